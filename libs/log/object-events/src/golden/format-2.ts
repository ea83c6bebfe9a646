/** Entries of format 2 as they are in logs: bytes, and what they say. Byte strings are shown as base64. */

export const goldenEntriesOfFormat2 = [
  {
    name: 'a write with everything said',
    base64:
      'CAIQARohCgRhcHBzEgtkZXBsb3ltZW50cxoHZGVmYXVsdCIDd2ViIgp1aWQtb2Ytd2ViKikKBWFsaWNlEgNkZXYSA29wcxoMa3ViZWN0bC8xLjMyIgRyb290KgJ1MTIHcmVxdWVzdDoGY2hhbmdlQhoKFhIEcG9kcxoHZGVmYXVsdCIFY2F1c2UQB0oICgJ0eBABGANQwMSQi5SLkQNaEEweo8NqqEvPP7xv+m3viKFgKWoHYXBwcy92MXIKRGVwbG95bWVudHpmeyJhcGlWZXJzaW9uIjoidjEiLCJraW5kIjoiUG9kIiwibWV0YWRhdGEiOnsibmFtZSI6IndlYiIsIm5hbWVzcGFjZSI6ImRlZmF1bHQifSwic3BlYyI6eyJyZXBsaWNhcyI6M319igE3MDAtNGJmOTJmMzU3N2IzNGRhNmEzY2U5MjlkMGUwZTQ3MzYtMDBmMDY3YWEwYmE5MDJiNy0wMZIBBnN0YXR1c/UBhAQNCg==',
    event: {
      verb: 'create',
      key: {
        group: 'apps',
        resource: 'deployments',
        namespace: 'default',
        name: 'web',
      },
      uid: 'uid-of-web',
      actor: {
        user: 'alice',
        groups: ['dev', 'ops'],
        userAgent: 'kubectl/1.32',
        impersonator: 'root',
        uid: 'u1',
      },
      requestId: 'request',
      changeId: 'change',
      cause: {
        key: {
          group: '',
          resource: 'pods',
          namespace: 'default',
          name: 'cause',
        },
        revision: 7,
      },
      transaction: {
        id: 'tx',
        index: 1,
        count: 3,
      },
      timeMicros: 1764000000123456,
      parent: 41,
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      subresource: 'status',
      object:
        'eyJhcGlWZXJzaW9uIjoidjEiLCJraW5kIjoiUG9kIiwibWV0YWRhdGEiOnsibmFtZSI6IndlYiIsIm5hbWVzcGFjZSI6ImRlZmF1bHQifSwic3BlYyI6eyJyZXBsaWNhcyI6M319',
    },
  },
  {
    name: 'a tombstone',
    base64:
      'CAIQAxoYEgRwb2RzGgdkZWZhdWx0IgdhLmI6YyBkIg51aWQtb2YtYS5iOmMgZComCgZ0ZXN0ZXISFHN5c3RlbTphdXRoZW50aWNhdGVkGgZ0ZXN0LzFQgID5wMHEggNaEJ+h4xdn9wO08vKKUiT8i71gA2oCdjFyA1BvZHpUeyJhcGlWZXJzaW9uIjoidjEiLCJraW5kIjoiUG9kIiwibWV0YWRhdGEiOnsibmFtZSI6ImEuYjpjIGQiLCJuYW1lc3BhY2UiOiJkZWZhdWx0In199QHu5cvT',
    event: {
      verb: 'delete',
      key: {
        group: '',
        resource: 'pods',
        namespace: 'default',
        name: 'a.b:c d',
      },
      uid: 'uid-of-a.b:c d',
      actor: {
        user: 'tester',
        groups: ['system:authenticated'],
        userAgent: 'test/1',
      },
      requestId: '',
      changeId: '',
      timeMicros: 1700000000000000,
      parent: 3,
      apiVersion: 'v1',
      kind: 'Pod',
      object:
        'eyJhcGlWZXJzaW9uIjoidjEiLCJraW5kIjoiUG9kIiwibWV0YWRhdGEiOnsibmFtZSI6ImEuYjpjIGQiLCJuYW1lc3BhY2UiOiJkZWZhdWx0In19',
    },
  },
  {
    name: 'a sealed object',
    base64:
      'CAIQAhoVEgdzZWNyZXRzGgdkZWZhdWx0IgFzIgh1aWQtb2YtcyomCgZ0ZXN0ZXISFHN5c3RlbTphdXRoZW50aWNhdGVkGgZ0ZXN0LzFQgID5wMHEggNaEBlZoJeZhFkhrz/hE94UY3FqAnYxcgZTZWNyZXR6CgkIBwYFBAMCAQCCARoIARIIdWlkLW9mLXMaDAECAwQFBgcICQoLDPUBApO+aA==',
    event: {
      verb: 'update',
      key: {
        group: '',
        resource: 'secrets',
        namespace: 'default',
        name: 's',
      },
      uid: 'uid-of-s',
      actor: {
        user: 'tester',
        groups: ['system:authenticated'],
        userAgent: 'test/1',
      },
      requestId: '',
      changeId: '',
      timeMicros: 1700000000000000,
      parent: 0,
      apiVersion: 'v1',
      kind: 'Secret',
      object: 'CQgHBgUEAwIBAA==',
      seal: {
        algorithm: 1,
        keyId: 'uid-of-s',
        nonce: 'AQIDBAUGBwgJCgsM',
      },
    },
  },
  {
    name: 'a genesis',
    base64:
      'CAIQBComCgZ0ZXN0ZXISFHN5c3RlbTphdXRoZW50aWNhdGVkGgZ0ZXN0LzFQgID5wMHEggNaEOOwxEKY/BwUmvv0yJlvuSRqAnYxcgNQb2SaAQsKCQoHY2x1c3RlcvUBxI0Lng==',
    event: {
      verb: 'system',
      key: {
        group: '',
        resource: '',
        namespace: '',
        name: '',
      },
      uid: '',
      actor: {
        user: 'tester',
        groups: ['system:authenticated'],
        userAgent: 'test/1',
      },
      requestId: '',
      changeId: '',
      timeMicros: 1700000000000000,
      parent: 0,
      apiVersion: 'v1',
      kind: 'Pod',
      system: {
        type: 'genesis',
        clusterId: 'cluster',
      },
      object: '',
    },
  },
  {
    name: 'a fence',
    base64:
      'CAIQBComCgZ0ZXN0ZXISFHN5c3RlbTphdXRoZW50aWNhdGVkGgZ0ZXN0LzFQgID5wMHEggNaEOOwxEKY/BwUmvv0yJlvuSRqAnYxcgNQb2SaARoaGAoGbm9kZS0xEg5rdWJlLXNjaGVkdWxlcvUBkmCR6w==',
    event: {
      verb: 'system',
      key: {
        group: '',
        resource: '',
        namespace: '',
        name: '',
      },
      uid: '',
      actor: {
        user: 'tester',
        groups: ['system:authenticated'],
        userAgent: 'test/1',
      },
      requestId: '',
      changeId: '',
      timeMicros: 1700000000000000,
      parent: 0,
      apiVersion: 'v1',
      kind: 'Pod',
      system: {
        type: 'fence',
        holder: 'node-1',
        election: 'kube-scheduler',
      },
      object: '',
    },
  },
  {
    name: 'a floor',
    base64:
      'CAIQBComCgZ0ZXN0ZXISFHN5c3RlbTphdXRoZW50aWNhdGVkGgZ0ZXN0LzFQgID5wMHEggNaEOOwxEKY/BwUmvv0yJlvuSRqAnYxcgNQb2SaAQoSCAhjEgRwb2Rz9QGJnepK',
    event: {
      verb: 'system',
      key: {
        group: '',
        resource: '',
        namespace: '',
        name: '',
      },
      uid: '',
      actor: {
        user: 'tester',
        groups: ['system:authenticated'],
        userAgent: 'test/1',
      },
      requestId: '',
      changeId: '',
      timeMicros: 1700000000000000,
      parent: 0,
      apiVersion: 'v1',
      kind: 'Pod',
      system: {
        type: 'floor',
        revision: 99,
        scope: 'pods',
        // From before entries said it.
        timeMs: 0,
      },
      object: '',
    },
  },
  {
    name: 'a barrier',
    base64:
      'CAIQBComCgZ0ZXN0ZXISFHN5c3RlbTphdXRoZW50aWNhdGVkGgZ0ZXN0LzFQgID5wMHEggNaEOOwxEKY/BwUmvv0yJlvuSRqAnYxcgNQb2SaAQIiAPUB2q3QRg==',
    event: {
      verb: 'system',
      key: {
        group: '',
        resource: '',
        namespace: '',
        name: '',
      },
      uid: '',
      actor: {
        user: 'tester',
        groups: ['system:authenticated'],
        userAgent: 'test/1',
      },
      requestId: '',
      changeId: '',
      timeMicros: 1700000000000000,
      parent: 0,
      apiVersion: 'v1',
      kind: 'Pod',
      system: {
        type: 'barrier',
      },
      object: '',
    },
  },
  {
    name: 'a restored write',
    base64:
      'CAIQAhoUEgRwb2RzGgdkZWZhdWx0IgN3ZWIiCnVpZC1vZi13ZWIqJgoGdGVzdGVyEhRzeXN0ZW06YXV0aGVudGljYXRlZBoGdGVzdC8xUICA+cDBxIIDWhANfYT+xNdi7WSjKWji/ix7YIeU69wDagJ2MXIDUG9kelB7ImFwaVZlcnNpb24iOiJ2MSIsImtpbmQiOiJQb2QiLCJtZXRhZGF0YSI6eyJuYW1lIjoid2ViIiwibmFtZXNwYWNlIjoiZGVmYXVsdCJ9faIBEgoHZGVmYXVsdBApGPvQ37SrM/UBtsPvKw==',
    event: {
      verb: 'update',
      key: {
        group: '',
        resource: 'pods',
        namespace: 'default',
        name: 'web',
      },
      uid: 'uid-of-web',
      actor: {
        user: 'tester',
        groups: ['system:authenticated'],
        userAgent: 'test/1',
      },
      requestId: '',
      changeId: '',
      timeMicros: 1700000000000000,
      parent: 1000000007,
      apiVersion: 'v1',
      kind: 'Pod',
      restored: {
        clusterId: 'default',
        revision: 41,
        timestampMs: 1764000000123,
      },
      object:
        'eyJhcGlWZXJzaW9uIjoidjEiLCJraW5kIjoiUG9kIiwibWV0YWRhdGEiOnsibmFtZSI6IndlYiIsIm5hbWVzcGFjZSI6ImRlZmF1bHQifX0=',
    },
  },
  {
    name: 'a restore',
    base64:
      'CAIQBComCgZ0ZXN0ZXISFHN5c3RlbTphdXRoZW50aWNhdGVkGgZ0ZXN0LzFQgID5wMHEggNaEOOwxEKY/BwUmvv0yJlvuSRqAnYxcgNQb2SaARQqEgoHZGVmYXVsdBBjGMjT37SrM/UBsSoCOQ==',
    event: {
      verb: 'system',
      key: {
        group: '',
        resource: '',
        namespace: '',
        name: '',
      },
      uid: '',
      actor: {
        user: 'tester',
        groups: ['system:authenticated'],
        userAgent: 'test/1',
      },
      requestId: '',
      changeId: '',
      timeMicros: 1700000000000000,
      parent: 0,
      apiVersion: 'v1',
      kind: 'Pod',
      system: {
        type: 'restore',
        clusterId: 'default',
        revision: 99,
        timeMs: 1764000000456,
      },
      object: '',
    },
  },
] as const;
