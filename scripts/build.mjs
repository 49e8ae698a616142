import { ensureBuild } from './ensure-build.mjs'
import { ensurePackages } from './ensure-packages.mjs'

// `npm run build`: dist/ is up to date afterwards.
ensurePackages()
ensureBuild()
