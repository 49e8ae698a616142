import type { ProbeRight } from './probe-tokens.ts'

/** What the thread is started with. */
export interface ProbeStart {
  readonly host: string
  /** TCP and UDP; 0 takes a free one. */
  readonly port: number
}

/** To the thread. The token is made where it is told, so that nobody waits for the other thread. */
export type ProbeRequest =
  | {
      readonly is: 'issued'
      readonly token: Uint8Array
      readonly right: ProbeRight
      readonly grant: number
    }
  | { readonly is: 'end' }

/** From the thread. */
export type ProbeAnswer =
  | { readonly is: 'listening'; readonly port: number }
  | { readonly is: 'absent'; readonly reason: string }
  | { readonly is: 'served'; readonly served: ServedProbe }
  | {
      readonly is: 'logged'
      readonly level: 'debug' | 'warn'
      readonly fields: object
      readonly message: string
    }

/** A probe that is over: what it was allowed, under which grant, and what it took. */
export interface ServedProbe {
  readonly grant: number
  readonly right: ProbeRight
  readonly bytes: number
}
