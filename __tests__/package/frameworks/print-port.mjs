// Loaded before a server of docs/frameworks.md, to print the port on which it listens.
import { Server } from 'node:net'

const { listen } = Server.prototype
Server.prototype.listen = function (...args) {
  this.once('listening', () => console.log(JSON.stringify({ port: this.address().port })))
  return listen.apply(this, args)
}
