import type { Clock } from '../runtime/clock.ts'
import { encodeBody } from './body-codec.ts'
import type { Envelope } from './envelope.ts'
import type { Body, BodyName, Content } from './messages.ts'

export interface SealedMessage {
  readonly bytes: Buffer
  readonly envelope: Envelope
}

/** Gives each message of one life of a daemon its envelope. One sealer for each daemon. */
export class MessageSealer {
  readonly session: number
  readonly #clock: Clock
  #sequence = 0

  constructor({ session, clock }: { readonly session: number; readonly clock: Clock }) {
    this.session = session
    this.#clock = clock
  }

  seal<Name extends BodyName>(name: Name, content: Content<Name>): SealedMessage {
    const envelope: Envelope = {
      session: this.session,
      sequence: this.#sequence,
      sentAt: new Date(this.#clock.now()).toISOString(),
    }
    // Content is the body less the envelope, which TypeScript cannot add up again for a generic.
    const bytes = encodeBody(name, { ...content, ...envelope } as unknown as Body<Name>)
    this.#sequence += 1
    return { bytes, envelope }
  }
}
