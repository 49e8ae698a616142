import { z } from 'zod'

/** Fields that the options of several models have. Limits keep a slip from becoming a giant. */

export const seed = () =>
  z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1)
    .describe('Seed of the first parameters.')

/** Numbers in a vector: features of a sample, units of a layer. */
export const width = () => z.int().min(1).max(8192)

/** Widths of layers, from the first to the last. */
export const widths = () => z.array(width()).min(1).max(16)

/** Feature maps of a convolution. */
export const channelCount = () => z.int().min(1).max(1024)

/** Height, width or samples in time. */
export const extent = () => z.int().min(1).max(4096)

export const classCount = () => z.int().min(2).max(8192).describe('Classes to tell apart.')

/** A kernel has a middle, so that padding keeps the size. */
export const oddKernel = () =>
  z
    .int()
    .min(1)
    .max(31)
    .refine(size => size % 2 === 1, 'is even: a kernel has a middle')

export const imageShape = () =>
  z.tuple([channelCount(), extent(), extent()]).describe('Channels, height and width.')

export const vocabularySize = () =>
  z
    .int()
    .min(2)
    .max(1 << 18)
    .default(256)
    .describe('Tokens that there are; 256 for bytes.')

export const contextTokens = () =>
  z.int().min(1).max(4096).default(64).describe('Tokens of a sample; it sees no further back.')

export const layerCount = () => z.int().min(1).max(64).default(2).describe('Layers.')

export const headCount = () => z.int().min(1).max(64).default(4).describe('Attention heads.')
