import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ContestantProcess } from './contestant-process.ts'

/** Debian's, which knows the packages of Debian; another one may come first on the path. */
const PYTHON = '/usr/bin/python3'

/** Says which libraries do the matrix products of this PyTorch: one line each. */
const LOOK = `
import torch
torch.ones(64, 64) @ torch.ones(64, 64)
print(torch.__version__)
print(*{line.split()[-1] for line in open('/proc/self/maps') if 'blas' in line})
`

export type Torch =
  | { readonly isThere: true; readonly version: string; readonly coreType: string }
  | { readonly isThere: false; readonly why: string }

/** PyTorch with a fast matrix product: with Debian's reference BLAS it takes ten times as long. */
export function findTorch(): Torch {
  const look = spawnSync(PYTHON, ['-c', LOOK], { encoding: 'utf8', timeout: 60_000 })
  const install = (packages: string) => `apt-get install ${packages}`
  if (look.status !== 0) {
    const why = `no PyTorch to compare with: ${install('python3-torch libopenblas0-pthread')}`
    return { isThere: false, why }
  }
  const [version = '', libraries = ''] = look.stdout.split('\n')
  if (!libraries.includes('openblas') && !libraries.includes('mkl')) {
    const why = `this PyTorch has a slow BLAS: ${install('libopenblas0-pthread')}`
    return { isThere: false, why }
  }
  return { isThere: true, version, coreType: openBlasCoreType() }
}

/**
 * OpenBLAS takes an unknown CPU for the oldest of its kind (a virtual one, mostly) and then computes
 * at a quarter of the speed. So it is told what the CPU can do.
 */
function openBlasCoreType(): string {
  const flags = /^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ')
  if (flags?.includes('avx512f')) return 'SkylakeX'
  return flags?.includes('avx2') ? 'Haswell' : ''
}

/** PyTorch as a contestant: script of bench/pytorch and the folder of its workload. */
export function startTorch(
  { coreType }: Extract<Torch, { isThere: true }>,
  script: string,
  folder: string,
): Promise<ContestantProcess> {
  return ContestantProcess.start(PYTHON, [join(scriptFolder(), script), folder], {
    OMP_NUM_THREADS: '1',
    ...(coreType === '' ? {} : { OPENBLAS_CORETYPE: coreType }),
  })
}

/** The scripts are not compiled: they lie beside the sources. */
function scriptFolder(): string {
  const here = fileURLToPath(new URL('../pytorch', import.meta.url))
  return here.replace(/\/dist(\/bench\/pytorch)$/, '$1')
}
