/**
 * The program of the pause image: it holds a pod's namespaces, reaps orphans and ends at once on SIGTERM or SIGINT.
 *
 * A machine without a compiler has nothing small to put there, and a shell that waits takes a second to notice a signal,
 * so the few instructions are written here. In C:
 *
 *   sigset_t all = ~0;
 *   sigprocmask(SIG_BLOCK, &all, NULL);              // blocked signals are kept for process 1, which would ignore them
 *   for (;;) {
 *     int signal = sigtimedwait(&all, NULL, NULL);
 *     if (signal == SIGTERM || signal == SIGINT) exit_group(0);
 *     while (wait4(-1, NULL, WNOHANG, NULL) > 0);
 *   }
 */
import { arch } from 'node:os';

const x64 = [
  [0x6a, 0xff], // push -1                  the set of all signals
  [0x48, 0x89, 0xe5], // mov rbp, rsp
  [0x31, 0xff], // xor edi, edi             SIG_BLOCK
  [0x48, 0x89, 0xee], // mov rsi, rbp
  [0x31, 0xd2], // xor edx, edx
  [0x6a, 0x08, 0x41, 0x5a], // push 8; pop r10    bytes in the set
  [0x6a, 0x0e, 0x58], // push 14; pop rax         rt_sigprocmask
  [0x0f, 0x05], // syscall
  // wait: (offset 21)
  [0x48, 0x89, 0xef], // mov rdi, rbp
  [0x31, 0xf6], // xor esi, esi
  [0x31, 0xd2], // xor edx, edx
  [0x6a, 0x08, 0x41, 0x5a], // push 8; pop r10
  [0xb8, 0x80, 0x00, 0x00, 0x00], // mov eax, 128  rt_sigtimedwait
  [0x0f, 0x05], // syscall
  [0x83, 0xf8, 0x0f], // cmp eax, 15
  [0x74, 0x1b], // je exit
  [0x83, 0xf8, 0x02], // cmp eax, 2
  [0x74, 0x16], // je exit
  // reap: (offset 49)
  [0x6a, 0xff, 0x5f], // push -1; pop rdi
  [0x31, 0xf6], // xor esi, esi
  [0x6a, 0x01, 0x5a], // push 1; pop rdx          WNOHANG
  [0x4d, 0x31, 0xd2], // xor r10, r10
  [0x6a, 0x3d, 0x58], // push 61; pop rax         wait4
  [0x0f, 0x05], // syscall
  [0x85, 0xc0], // test eax, eax
  [0x7f, 0xec], // jg reap
  [0xeb, 0xce], // jmp wait
  // exit: (offset 71)
  [0x31, 0xff], // xor edi, edi
  [0xb8, 0xe7, 0x00, 0x00, 0x00], // mov eax, 231  exit_group
  [0x0f, 0x05], // syscall
].flat();

/** Little-endian words. */
const arm64 = [
  0x92800009, // mov x9, #-1
  0xf81f0fe9, // str x9, [sp, #-16]!
  0x910003f3, // mov x19, sp
  0xd2800000, // mov x0, #0           SIG_BLOCK
  0xaa1303e1, // mov x1, x19
  0xd2800002, // mov x2, #0
  0xd2800103, // mov x3, #8
  0xd28010e8, // mov x8, #135         rt_sigprocmask
  0xd4000001, // svc #0
  // wait: (word 9)
  0xaa1303e0, // mov x0, x19
  0xd2800001, // mov x1, #0
  0xd2800002, // mov x2, #0
  0xd2800103, // mov x3, #8
  0xd2801128, // mov x8, #137         rt_sigtimedwait
  0xd4000001, // svc #0
  0x71003c1f, // cmp w0, #15
  0x54000180, // b.eq exit            12 words on
  0x7100081f, // cmp w0, #2
  0x54000140, // b.eq exit            10 words on
  // reap: (word 19)
  0x92800000, // mov x0, #-1
  0xd2800001, // mov x1, #0
  0xd2800022, // mov x2, #1           WNOHANG
  0xd2800003, // mov x3, #0
  0xd2802088, // mov x8, #260         wait4
  0xd4000001, // svc #0
  0xf100001f, // cmp x0, #0
  0x54ffff2c, // b.gt reap            7 words back
  0x17ffffee, // b wait               18 words back
  // exit: (word 28)
  0xd2800000, // mov x0, #0
  0xd2800bc8, // mov x8, #94          exit_group
  0xd4000001, // svc #0
].flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]);

const loadAddress = 0x400000;
const headerBytes = 64 + 56;

/** A static ELF file of one segment: header, program header, code. */
function toElf(machine: number, code: readonly number[]): Buffer {
  const elf = Buffer.alloc(headerBytes + code.length);
  elf.write('\x7fELF', 0, 'latin1');
  elf.set([2, 1, 1], 4); // 64 bits, little-endian, version 1
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(machine, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(loadAddress + headerBytes), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program header's offset
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // loadable
  elf.writeUInt32LE(5, 68); // read and execute
  elf.writeBigUInt64LE(0n, 72);
  elf.writeBigUInt64LE(BigInt(loadAddress), 80);
  elf.writeBigUInt64LE(BigInt(loadAddress), 88);
  elf.writeBigUInt64LE(BigInt(elf.length), 96);
  elf.writeBigUInt64LE(BigInt(elf.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  elf.set(code, headerBytes);
  return elf;
}

const programs: Readonly<Record<string, Buffer>> = { x64: toElf(62, x64), arm64: toElf(183, arm64) };

/** For this machine's processor, by Node's name for it. */
export function pauseProgram(processor: string = arch()): Buffer {
  const program = programs[processor];
  if (program === undefined) throw new Error(`there is no pause program for ${processor}`);
  return program;
}
