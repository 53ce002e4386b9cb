import { compareServers } from './http/compare'

async function main(): Promise<void> {
  await compareServers(process.argv.includes('--quick'))
}
void main()
