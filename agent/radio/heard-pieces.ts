/** Rows of a stream, of each of which only the beginning is listened to. In bytes of whole samples. */
export interface HeardShape {
  readonly rowBytes: number
  readonly heardBytes: number
}

export interface StreamPiece {
  readonly from: number
  readonly to: number
  readonly isHeard: boolean
}

/**
 * What of the next bytes is listened to and what is passed over, in order. They begin at place `at` of
 * the stream; what is before place 0, while a tuner settles, is in no piece.
 */
export function* heardPieces(
  at: number,
  bytes: number,
  { rowBytes, heardBytes }: HeardShape,
): Generator<StreamPiece> {
  for (let from = Math.max(0, -at); from < bytes; ) {
    const inRow = (at + from) % rowBytes
    const isHeard = inRow < heardBytes
    const to = Math.min(bytes, from + (isHeard ? heardBytes : rowBytes) - inRow)
    yield { from, to, isHeard }
    from = to
  }
}
