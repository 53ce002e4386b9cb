// A mistake that docs/frameworks.md warns about: the webhook in Nest's own middleware, with a wildcard.
import 'reflect-metadata'
import { Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { saveOrder } from './erp.js'

const webhook = createTradecloudWebhook({
  auth: { type: 'basic', username: 'tradecloud', password: process.env.WEBHOOK_PASSWORD },
  onOrder: (event, { deliveryId }) => saveOrder(event, deliveryId),
})

@Module({})
class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(webhook).forRoutes('tradecloud/*splat')
  }
}

const app = await NestFactory.create(AppModule)
await app.listen(process.env.PORT ?? 3000)
