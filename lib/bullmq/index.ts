/** The public surface of `tradecloud-webhook/bullmq`, listed by name. Needs bullmq and ioredis, which are optional peers. */
export { bullmqInbox } from './inbox'
export type { BullmqInboxOptions } from './options'
