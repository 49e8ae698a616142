import type { AssignmentStatus, PhaseInterval } from '../../protocol/assignment.ts'

/** The record of a round is written while the next one runs, or the one after it. */
const UPLOADS_KEPT = 4

/**
 * When agents uploaded, and what that used: said in the report of the end, because the manifest of an
 * update goes ahead of its blocks.
 */
export class ReportedUploads {
  readonly #uploads = new Map<string, { readonly grId: number; readonly of: PhaseInterval }[]>()

  onStatus(agentId: string, { part, status, grId, interval }: AssignmentStatus): void {
    if (part !== 'consume' || status !== 'done' || interval?.phase !== 'upload') return
    const earlier = this.#uploads.get(agentId) ?? []
    this.#uploads.set(agentId, [...earlier, { grId, of: interval }].slice(-UPLOADS_KEPT))
  }

  intervals(agentId: string, grId: number): readonly PhaseInterval[] {
    const uploads = this.#uploads.get(agentId) ?? []
    return uploads.filter(one => one.grId === grId).map(({ of }) => of)
  }
}
