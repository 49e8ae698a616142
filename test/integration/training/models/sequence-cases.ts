import type { BoxCase } from './box-cases.ts'

/** Tokens of the cases come from 0 to 49. */
const vocabularySize = 50

/** Models of sequences, graphs and actions, each twice. */
export const sequenceCases: readonly BoxCase[] = [
  {
    name: 'gpt',
    options: { kind: 'gpt', vocabularySize, contextTokens: 5, width: 8, layers: 2, heads: 2 },
    outputs: { logits: [5, 50] },
  },
  {
    name: 'gpt of one head',
    options: { kind: 'gpt', vocabularySize: 64, contextTokens: 3, width: 6, layers: 1, heads: 1 },
    outputs: { logits: [3, 64] },
  },
  {
    name: 'llama',
    options: {
      kind: 'llama',
      vocabularySize,
      contextTokens: 4,
      width: 16,
      hiddenWidth: 12,
      layers: 2,
      heads: 4,
      keyValueHeads: 2,
    },
    outputs: { logits: [4, 50] },
  },
  {
    name: 'llama with keys for each head',
    options: {
      kind: 'llama',
      vocabularySize: 51,
      contextTokens: 6,
      width: 12,
      hiddenWidth: 10,
      layers: 1,
      heads: 3,
      keyValueHeads: 3,
    },
    outputs: { logits: [6, 51] },
  },
  {
    name: 'gru-forecaster',
    options: { kind: 'gru-forecaster', windowSteps: 6, features: 2, hiddenWidth: 5 },
    outputs: { forecast: [1] },
  },
  {
    name: 'gru-forecaster of quantiles',
    options: {
      kind: 'gru-forecaster',
      windowSteps: 4,
      features: 1,
      hiddenWidth: 7,
      horizonSteps: 3,
      quantiles: 2,
    },
    outputs: { forecast: [3, 2] },
  },
  {
    name: 'graph-attention',
    options: {
      kind: 'graph-attention',
      agentsMax: 4,
      modelsMax: 3,
      agentFeatures: 5,
      modelFeatures: 2,
      edgeFeatures: 1,
      heads: 2,
      headWidth: 3,
      layers: 2,
    },
    outputs: { scores: [4, 3] },
  },
  {
    name: 'graph-attention of one head and layer',
    options: {
      kind: 'graph-attention',
      agentsMax: 2,
      modelsMax: 5,
      agentFeatures: 1,
      modelFeatures: 3,
      edgeFeatures: 2,
      heads: 1,
      headWidth: 4,
      layers: 1,
    },
    outputs: { scores: [2, 5] },
  },
  {
    name: 'sac-actor',
    options: { kind: 'sac-actor', observationSize: 5, actionSize: 2, hiddenSizes: [6, 7] },
    outputs: { distribution: [4] },
  },
  {
    name: 'sac-actor of one layer',
    options: { kind: 'sac-actor', observationSize: 1, actionSize: 3, hiddenSizes: [8] },
    outputs: { distribution: [6] },
  },
  {
    name: 'sac-critic',
    options: { kind: 'sac-critic', observationSize: 5, actionSize: 2, hiddenSizes: [6, 7] },
    outputs: { value: [1] },
  },
  {
    name: 'sac-critic of one layer',
    options: { kind: 'sac-critic', observationSize: 1, actionSize: 3, hiddenSizes: [8] },
    outputs: { value: [1] },
  },
]
