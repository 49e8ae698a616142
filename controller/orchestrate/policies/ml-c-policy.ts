import { leastLatencyPolicy } from './least-latency.ts'

/** Minimum latency of communication (GainNet, V-B, baseline ML-C). */
export const mlCPolicy = leastLatencyPolicy({
  name: 'ml-c',
  label: 'ML-C',
  phases: ['communication'],
})
