import { type Command, InvalidArgumentError, Option } from 'commander'
import { wholeNumber } from '../whole-number.ts'
import { LOSSES, OPTIMIZERS } from './choices.ts'
import { namedNumber, namedSize, positiveNumber, textList } from './option-values.ts'

const count = (max: number) => wholeNumber({ min: 1, max })
const seedValue = wholeNumber({ min: 0, max: 2 ** 31 - 1 })

/** Each command imports what it needs when it is run. */
export function addModelCommand(program: Command): void {
  const model = program.command('model').description('look at, check and train any ONNX model')
  addInspect(model)
  addPrepare(model)
  addTrain(model)
  addEval(model)
  addDiff(model)
  addGradcheck(model)
}

function addInspect(model: Command): void {
  const inspect = model
    .command('inspect')
    .description('show what a model is made of and whether it can be trained, and if not why')
    .argument('<file>', 'ONNX file')
  withParts(inspect)
    .option('--batch <count>', 'samples at once, for the memory', count(65_536), 32)
    .option('--json', 'print JSON')
    .action(async (file, options) => (await import('./inspect.ts')).runInspect(file, options))
}

function addPrepare(model: Command): void {
  const prepare = model
    .command('prepare')
    .description('write the training graphs of a model, which ONNX Runtime runs anywhere')
    .argument('<file>', 'ONNX file')
    .requiredOption('-o, --out <folder>', 'folder for the files; made where it is not there')
  withTraining(withParts(prepare)).action(async (file, options) =>
    (await import('./prepare.ts')).runPrepare(file, options),
  )
}

function addTrain(model: Command): void {
  const train = model
    .command('train')
    .description('train a model on a data set and write it as a plain ONNX file')
    .argument('<file>', 'ONNX file')
  withTraining(withData(withParts(train)))
    .option('--standardize', 'give each column a mean of 0 and a deviation of 1')
    .option('--epochs <count>', 'times to go through the data', count(100_000), 1)
    .option('--steps <count>', 'steps, in place of epochs', count(1_000_000_000))
    .option('--learning-rate <rate>', 'learning rate', positiveNumber, 0.001)
    .option('--clip <norm>', 'clip the norm of all gradients together to this', positiveNumber)
    .option('--validation <share>', 'share of the samples to hold back', share, 0.1)
    .option('--seed <number>', 'of the order and of what is held back', seedValue, 1)
    .option('--out <file>', 'the trained model', 'trained.onnx')
    .option('--log <file>', 'write the loss of each step as CSV')
    .option('--checkpoint <file>', 'write a checkpoint after each epoch, and go on from it')
    .option('--json', 'print JSON')
    .action(async (file, options) => (await import('./train.ts')).runTrain(file, options))
}

function addEval(model: Command): void {
  const evaluate = model
    .command('eval')
    .description('measure loss and accuracy of a model on a data set')
    .argument('<file>', 'ONNX file')
  withData(withParts(evaluate))
    .addOption(lossOption())
    .option('--scaling <file>', 'scale inputs as training did: the file that it wrote')
    .option('--json', 'print JSON')
    .action(async (file, options) => (await import('./eval.ts')).runEval(file, options))
}

function addDiff(model: Command): void {
  model
    .command('diff')
    .description('compare two models: operators, weights and what comes out')
    .argument('<before>', 'ONNX file')
    .argument('<after>', 'ONNX file')
    .option('--seed <number>', 'of the random inputs', seedValue, 1)
    .option('--json', 'print JSON')
    .action(async (before, after, options) =>
      (await import('./diff.ts')).runDiff(before, after, options),
    )
}

function addGradcheck(model: Command): void {
  const gradcheck = model
    .command('gradcheck')
    .description('compare the gradients of a model with finite differences, on random inputs')
    .argument('<file>', 'ONNX file')
  withSizes(gradcheck)
    .option('--params <count>', 'parameter tensors to check, chosen at random', count(1_000_000))
    .option('--output <names>', 'outputs that count, all where left out', textList)
    .option('--trainable <patterns>', 'names or patterns of the parameters', textList)
    .option('--seed <number>', 'of inputs, directions and choice', seedValue, 1)
    .option('--tolerance <error>', 'largest relative error that passes', positiveNumber, 0.001)
    .option('--json', 'print JSON')
    .action(async (file, options) => (await import('./gradcheck.ts')).runGradcheck(file, options))
}

function withSizes(command: Command): Command {
  return command
    .option(
      '--size <name=count>',
      'size of an axis that the file leaves open, by its name; may be repeated',
      namedSize,
    )
    .option(
      '--fix <input=number>',
      'an input that is always full of this number; may be repeated',
      namedNumber,
    )
}

/** What of a model is trained. */
function withParts(command: Command): Command {
  return withSizes(command)
    .option('--output <name>', 'the output that the loss judges, for a model with several')
    .option(
      '--trainable <patterns>',
      'train just these initializers: names, or patterns with *',
      textList,
    )
    .option('--frozen <patterns>', 'leave these as they are', textList)
}

function withTraining(command: Command): Command {
  return command
    .addOption(lossOption())
    .addOption(new Option('--optimizer <kind>', 'optimizer').choices(OPTIMIZERS).default('adam'))
    .option('--batch <count>', 'samples of a step', count(65_536), 32)
}

function withData(command: Command): Command {
  return command
    .requiredOption('--data <path>', 'samples: IDX, npy or CSV file, or a text or folder of texts')
    .option('--labels <file>', 'labels: IDX or npy file')
    .option(
      '--label-column <name>',
      'column of a CSV file with the labels; the last where left out',
    )
    .option(
      '--scale <factor>',
      'multiply inputs by this; 1/255 where left out and they are bytes',
      positiveNumber,
    )
    .option('--samples <count>', 'take only so many', count(100_000_000))
}

function lossOption(): Option {
  return new Option('--loss <kind>', 'loss').choices(LOSSES).default('softmax-cross-entropy')
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value < 1) return value
  throw new InvalidArgumentError('It must be a number from 0 to below 1.')
}
