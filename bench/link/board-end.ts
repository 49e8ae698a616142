import {
  type LinkMeasurement,
  type MeasureLinkOptions,
  measureLink,
} from '../../agent/measure/link/measure-link.ts'

/** A measurement for the board of a lab to make, with its tokens, in the order of its parts. */
export interface BoardTask extends Omit<MeasureLinkOptions, 'token' | 'signal'> {
  readonly tokens: readonly string[]
}

/** The agent's link engine without the agent: a measurement for each task that it is sent. */
process.on('message', async ({ tokens, ...task }: BoardTask) => {
  const left = [...tokens]
  const token = async () => left.shift() ?? ''
  const measured: LinkMeasurement = await measureLink({ ...task, token })
  process.send?.(measured)
})
process.on('disconnect', () => process.exit())
process.send?.({})
