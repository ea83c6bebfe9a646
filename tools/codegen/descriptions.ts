/** Our own short descriptions of messages and fields, for OpenAPI and `kubectl explain`; the generator puts them into the tables. */

/** By message (`core/v1.Pod`), then by JSON field; the empty field is the message itself. */
export const descriptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
