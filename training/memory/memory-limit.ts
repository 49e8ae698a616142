import { GainnetError } from '../../runtime/errors.ts'
import { readTrainingArtifact } from '../forms/artifact-metadata.ts'
import { countSamples, type Samples } from '../samples/samples.ts'
import { estimateMemory } from './estimate-memory.ts'

const MIB = 2 ** 20

/** Fails with MEMORY_EXCEEDED where the job would take more than that. */
export function checkMemory(
  job: Samples & { readonly artifact: Uint8Array },
  bytesMax: number,
): void {
  const { batch, inputs } = readTrainingArtifact(job.artifact)
  const sampleCount = countSamples(job, inputs.samples)
  const { bytes, parts } = estimateMemory(job.artifact, { sampleCount })
  if (bytes <= bytesMax) return
  const written = Object.entries(parts).map(([part, size]) => `${part} ${mebibytes(size)}`)
  throw new GainnetError(
    'MEMORY_EXCEEDED',
    `training needs about ${mebibytes(bytes)} MiB of memory (${written.join(', ')}), the limit is ` +
      `${mebibytes(bytesMax)} MiB: take ${advice(parts, { batch, sampleCount })}`,
    { bytes, bytesMax, parts },
  )
}

/** What makes the largest part smaller that can be made smaller. */
function advice(
  parts: Readonly<Record<'data' | 'states' | 'activations', number>>,
  { batch, sampleCount }: { readonly batch: number; readonly sampleCount: number },
): string {
  const { data, states, activations } = parts
  if (activations >= Math.max(data, states)) {
    return `a smaller batch than ${batch}, with accumulation in its place`
  }
  if (data >= states) return `fewer samples than ${sampleCount}`
  return 'a smaller model, fewer trained parameters or an optimizer with fewer slots'
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / MIB)
}
