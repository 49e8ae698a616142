import { readFile } from 'node:fs/promises'
import { errnoOf } from '../runtime/errors.ts'
import { isLater, type Layered, layeredAt, withScalar } from './layered.ts'
import { type Problem, unreadableText } from './problems.ts'

const PASSWORD_CHARACTERS_MAX = 4096

/** Sets broker.password to what broker.passwordFile holds, unless a later layer set the password. */
export async function withPasswordRead(root: Layered, problems: Problem[]): Promise<Layered> {
  const file = layeredAt(root, ['broker', 'passwordFile'])
  const password = layeredAt(root, ['broker', 'password'])
  if (file?.kind !== 'scalar' || typeof file.value !== 'string' || file.value === '') return root
  const { origin } = file
  const refuse = (text: string): Layered => {
    problems.push({ code: 'CONFIG_INVALID', origin, text })
    return root
  }
  if (password && isLater(password.origin, origin)) return root
  if (password && !isLater(origin, password.origin)) {
    return refuse('broker.password and broker.passwordFile are both set; keep one of them')
  }
  try {
    // Editors end a file with a newline that is no part of the password.
    const value = (await readFile(file.value, 'utf8')).replace(/\r?\n$/, '')
    if (value === '') return refuse(`broker.passwordFile: ${file.value} is empty`)
    if (value.length > PASSWORD_CHARACTERS_MAX || /[\r\n\0]/.test(value)) {
      return refuse(`broker.passwordFile: ${file.value} must hold one line, the password`)
    }
    return withScalar(root, ['broker', 'password'], { value, origin })
  } catch (error) {
    return refuse(`broker.passwordFile: ${unreadableText(file.value, errnoOf(error))}`)
  }
}
