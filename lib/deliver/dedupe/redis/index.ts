/** The public surface of `tradecloud-webhook/redis`, listed by name. */
export { redisStore, type RedisStoreOptions } from './redis-store'
