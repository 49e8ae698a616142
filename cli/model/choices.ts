// Named here so that --help loads no part of the engine; a test holds them to its registries.
export const LOSSES = [
  'softmax-cross-entropy',
  'binary-cross-entropy',
  'mean-squared-error',
  'mean-absolute-error',
  'huber',
  'kullback-leibler',
  'quantile',
  'reconstruction',
  'model-output',
]

export const OPTIMIZERS = ['sgd', 'adam', 'adam-w', 'lamb', 'rms-prop', 'adagrad']
