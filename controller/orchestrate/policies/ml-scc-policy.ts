import { leastLatencyPolicy } from './least-latency.ts'

/** Minimum latency of sensing, communication and computing (GainNet, V-B, baseline ML-SCC). */
export const mlSccPolicy = leastLatencyPolicy({
  name: 'ml-scc',
  label: 'ML-SCC',
  phases: ['sensing', 'communication', 'computing'],
})
