import { leastLatencyPolicy } from './least-latency.ts'

/** Minimum latency of communication and computing (GainNet, V-B, baseline ML-CC). */
export const mlCcPolicy = leastLatencyPolicy({
  name: 'ml-cc',
  label: 'ML-CC',
  phases: ['communication', 'computing'],
})
