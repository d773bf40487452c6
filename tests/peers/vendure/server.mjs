// A Vendure shop for tests: small data, dummy payments, and a plugin that tells of changes by signed webhooks.
import { createHmac } from 'node:crypto';
import {
    bootstrap, DefaultLogger, dummyPaymentHandler, EventBus, FulfillmentStateTransitionEvent, LanguageCode, LogLevel,
    manualFulfillmentHandler, OrderEvent, OrderStateTransitionEvent, PluginCommonModule, VendurePlugin,
} from '@vendure/core';
import { populate } from '@vendure/core/cli/populate.js';

const { VENDURE_PORT, VENDURE_DATABASE, VENDURE_PASSWORD, VENDURE_WEBHOOK, VENDURE_WEBHOOK_SECRET } = process.env;

class Webhooks {
    constructor(bus) {
        bus.ofType(OrderStateTransitionEvent).subscribe(event => send('order', event.order.code));
        bus.ofType(FulfillmentStateTransitionEvent).subscribe(event => {
            for (const order of event.fulfillment.orders ?? []) send('order', order.code);
        });
    }
    static get parameters() { return [EventBus]; }
}
Reflect.defineMetadata('design:paramtypes', [EventBus], Webhooks);
VendurePlugin({ imports: [PluginCommonModule], compatibility: '^3.0.0' })(Webhooks);

let sent = 0;
async function send(topic, code) {
    if (!VENDURE_WEBHOOK) return;
    const id = `msg_${process.pid}_${++sent}`, stamp = String(Math.floor(Date.now() / 1000));
    const body = JSON.stringify({ topic, code });
    const signature = createHmac('sha256', Buffer.from(VENDURE_WEBHOOK_SECRET, 'base64')).update(`${id}.${stamp}.${body}`).digest('base64');
    const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': stamp, 'webhook-signature': `v1,${signature}` };
    await fetch(VENDURE_WEBHOOK, { method: 'POST', headers, body, signal: AbortSignal.timeout(5000) }).catch(() => {});
}

const config = {
    apiOptions: { port: Number(VENDURE_PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
    authOptions: {
        tokenMethod: ['bearer', 'api-key'], requireVerification: false,
        superadminCredentials: { identifier: 'superadmin', password: VENDURE_PASSWORD },
    },
    dbConnectionOptions: { type: 'postgres', url: VENDURE_DATABASE, synchronize: true, logging: false },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    logger: new DefaultLogger({ level: LogLevel.Warn }),
    plugins: [Webhooks],
};
const data = {
    defaultLanguage: LanguageCode.en,
    defaultZone: 'Europe',
    countries: [{ name: 'Germany', code: 'DE', zone: 'Europe' }],
    taxRates: [{ name: 'Standard', percentage: 19 }],
    shippingMethods: [{ name: 'Standard', price: 500 }],
    paymentMethods: [{ name: 'Dummy', handler: { code: dummyPaymentHandler.code, arguments: [{ name: 'automaticSettle', value: 'true' }] } }],
    collections: [],
};
const app = process.env.VENDURE_EMPTY
    ? await populate(() => bootstrap(config), data)
    : await bootstrap(config);
console.log('ready');
process.on('SIGTERM', () => app.close().then(() => process.exit(0)));
