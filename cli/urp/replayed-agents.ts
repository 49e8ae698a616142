import type { AssignmentStatus } from '../../protocol/assignment.ts'
import { Id } from '../../protocol/envelope.ts'
import type { RecordedUrp } from '../../protocol/urp-series/series-format.ts'
import type { UrpContent } from '../../protocol/urp-series/urp-document.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { deferred } from '../../runtime/deferred.ts'
import { GainnetError, hasCode } from '../../runtime/errors.ts'
import { packageVersion } from '../../runtime/version.ts'
import type { FleetVisit } from './fleet-visit.ts'

const HEARD_MS_MAX = 5000
const REASON = 'a replayed agent offers and does no work'

/**
 * Agents that only exist in a recording: born at their first URP, gone without a trace at the end.
 * Work they are given is refused, so that the controller does not wait for it.
 */
export class ReplayedAgents {
  readonly #visit: FleetVisit
  readonly #prefix: string
  readonly #startedAt: string
  readonly #agents = new Set<string>()
  readonly #heard = new Map<string, () => void>()

  constructor(visit: FleetVisit, o: { readonly prefix: string; readonly startedAt: string }) {
    this.#visit = visit
    this.#prefix = o.prefix
    this.#startedAt = o.startedAt
  }

  get count(): number {
    return this.#agents.size
  }

  async start(): Promise<void> {
    const { wire } = this.#visit
    await wire.on('agentState', {}, ({ session }, { agentId }) => {
      if (session === wire.session) this.#heard.get(agentId)?.()
    })
    await wire.on('assignment', {}, (assignment, { agentId }) => {
      if (this.#agents.has(agentId)) return this.#refuse(agentId, assignment)
    })
  }

  /** Publishes what the entry says, or what is given instead of it, as the entry's agent. */
  async publish({ agentId, urp }: RecordedUrp, instead: UrpContent = urp): Promise<void> {
    await this.bear({ agentId, urp })
    const { session: _, sequence: __, sentAt: ___, ...content } = { ...urp, ...instead }
    await this.#visit.wire.publish('urp', { agentId: this.#prefix + agentId }, content)
  }

  /** Says that they are gone, and takes from the broker what would be kept there. */
  async leave(): Promise<void> {
    const { wire } = this.#visit
    const kept = ['urp', 'agentBirth', 'assignment', 'agentState'] as const
    const leaving = [...this.#agents].map(async agentId => {
      await wire.publish('agentState', { agentId }, { state: 'disconnected', reason: 'replayed' })
      for (const name of kept) await wire.clearRetained(name, { agentId })
    })
    await Promise.all(leaving)
  }

  /** Its birth, once. */
  async bear({ agentId, urp }: Pick<RecordedUrp, 'agentId' | 'urp'>): Promise<void> {
    const id = this.#prefix + agentId
    if (!this.#agents.has(id)) await this.#bear(id, urp)
  }

  /** Resolves when the broker has passed it on: one that drops it says nothing. */
  async #bear(agentId: string, urp: UrpContent): Promise<void> {
    if (!Id.safeParse(agentId).success) {
      const advice = 'take a --prefix of a-z, 0-9 and - that leaves 64 characters'
      throw new GainnetError('USAGE', `${agentId} is no name of an agent: ${advice}`)
    }
    const { wire } = this.#visit
    const { promise: heard, resolve } = deferred<void>()
    this.#heard.set(agentId, resolve)
    this.#agents.add(agentId)
    await wire.publish('agentBirth', { agentId }, { agentId, ...this.#birthOf(urp) })
    await wire.publish('agentState', { agentId }, { state: 'ready' })
    try {
      await withDeadline(heard, { ms: HEARD_MS_MAX, what: `birth of ${agentId}` })
    } catch (error) {
      throw hasCode(error, 'DEADLINE_PASSED') ? this.#notPassedOn() : error
    } finally {
      this.#heard.delete(agentId)
    }
  }

  #birthOf({ computing, memory, sensing }: UrpContent) {
    const memoryBytes = memory?.totalBytes ?? 1
    return {
      version: packageVersion(),
      startedAt: this.#startedAt,
      board: {
        model: 'a recording',
        cpu: 'not recorded',
        architecture: 'not recorded',
        cores: Math.max(1, computing.units.length),
        memoryBytes,
        os: 'not recorded',
        node: process.version,
      },
      sensors: sensing.map(({ sensor, kind }) => ({ sensor, kind, senses: 'not recorded' })),
      limits: { computingShare: 1, memoryBytes, outboxBytes: 1 },
    }
  }

  async #refuse(
    agentId: string,
    { crId, sense, consume }: { crId: number; sense: Order | null; consume: Order | null },
  ): Promise<void> {
    const refuse = (part: AssignmentStatus['part'], { grId, modelId }: Order) =>
      this.#visit.wire.publish(
        'assignmentStatus',
        { agentId },
        { crId, grId, part, modelId, status: 'refused', reason: REASON },
      )
    if (sense) await refuse('sense', sense)
    if (consume) await refuse('consume', consume)
  }

  #notPassedOn(): GainnetError {
    const { username, config } = this.#visit
    return new GainnetError(
      'BROKER_REFUSED',
      `${config.broker.url} does not pass on what ${username} says as another agent; a replay ` +
        'needs the user of the controller: give it broker.password in controller.yaml, and here ' +
        '--set broker.username=controller --set broker.passwordFile=<file>',
    )
  }
}

interface Order {
  readonly grId: number
  readonly modelId: string
}
