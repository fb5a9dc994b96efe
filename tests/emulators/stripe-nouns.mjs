// stripe-nouns.mjs - what each kind of Stripe's objects takes, and what becomes of it: for the emulator in stripe.mjs.
import {error, invalid, missing, none, ok} from './stripe.mjs';

const DAY = 86400, MONTH = 30 * DAY;

// Copies the given members; an empty text unsets. Numbers, lists and truths come as text.
function copy(object, given, {texts = '', numbers = '', truths = ''}) {
  for (const name of texts.split(' ')) if (given[name] !== undefined) object[name] = given[name] === '' ? null : given[name];
  for (const name of numbers.split(' ')) if (given[name] !== undefined) object[name] = given[name] === '' ? null : Number(given[name]);
  for (const name of truths.split(' ')) if (given[name] !== undefined) object[name] = given[name] === 'true';
}

const remove = (account, object) => {
  object.deleted = true;
  account.event(`${object.object}.deleted`, object);
  return ok({id: object.id, object: object.object, deleted: true});
};

const lines = (object, items) => ({object: 'list', data: items, has_more: false, total_count: items.length, url: `/v1/${object}`});

// --- money --------------------------------------------------------------------------------------------------------------------------

const CARD = {brand: 'visa', country: 'US', exp_month: 8, exp_year: 2030, funding: 'credit', last4: '4242'};
const TEST_METHODS = {pm_card_visa: CARD, pm_card_mastercard: {...CARD, brand: 'mastercard', last4: '4444'}, tok_visa: CARD};

// What the test cards are declined with; undefined: they are not.
function decline(account, method) {
  if (method === 'pm_card_chargeDeclined' || method === 'tok_chargeDeclined') return error(402, 'card_error', 'Your card was declined.', {code: 'card_declined', decline_code: 'generic_decline', param: 'payment_method', charge: account.stripe.id('ch')});
  if (method === 'pm_card_chargeDeclinedInsufficientFunds') return error(402, 'card_error', 'Your card has insufficient funds.', {code: 'card_declined', decline_code: 'insufficient_funds', param: 'payment_method', charge: account.stripe.id('ch')});
  return undefined;
}

function makeCharge(account, {amount, currency, customer = null, intent = null, method, captured, metadata = {}}) {
  const charge = {id: account.stripe.id('ch'), object: 'charge', amount, amount_captured: captured ? amount : 0, amount_refunded: 0, balance_transaction: null, captured, created: account.stripe.clock++, currency, customer, description: null, disputed: false, failure_code: null, failure_message: null, livemode: false, metadata: {...metadata}, outcome: {network_status: 'approved_by_network', type: 'authorized'}, paid: true, payment_intent: intent, payment_method: method ?? null, receipt_email: null, receipt_url: 'https://pay.stripe.com/receipts/x', refunded: false, shipping: null, status: 'succeeded', transfer_group: null};
  if (captured) charge.balance_transaction = account.book('charge', amount, currency, charge.id);
  account.charges.push(charge);
  account.event('charge.succeeded', charge);
  return charge;
}

function capture(account, charge, amount) {
  if (charge.captured) return invalid(`Charge ${charge.id} has already been captured.`, {code: 'charge_already_captured'});
  if (amount > charge.amount) return invalid('The capture amount exceeds the authorized amount.', {code: 'amount_too_large', param: 'amount'});
  Object.assign(charge, {captured: true, amount_captured: amount});
  charge.balance_transaction = account.book('charge', amount, charge.currency, charge.id);
  account.event('charge.captured', charge);
  return ok(charge);
}

function confirm(account, intent, given) {
  if (!['requires_payment_method', 'requires_confirmation'].includes(intent.status)) return invalid(`You cannot confirm this PaymentIntent because it has already ${intent.status}.`, {code: 'payment_intent_unexpected_state', payment_intent: intent});
  const method = given.payment_method ?? intent.payment_method, declined = decline(account, method);
  if (!method) return invalid('You cannot confirm this PaymentIntent because it is missing a payment method.', {code: 'payment_intent_unexpected_state'});
  if (!TEST_METHODS[method] && !declined && !account.find('payment_methods', method)) return none('PaymentMethod', method, 'payment_method');
  if (declined) {
    intent.last_payment_error = declined.body.error;
    account.event('payment_intent.payment_failed', intent);
    return declined;
  }
  intent.payment_method = method;
  const manual = intent.capture_method === 'manual';
  const charge = makeCharge(account, {amount: intent.amount, currency: intent.currency, customer: intent.customer, intent: intent.id, method, captured: !manual});
  Object.assign(intent, {latest_charge: charge.id, status: manual ? 'requires_capture' : 'succeeded', amount_capturable: manual ? intent.amount : 0, amount_received: manual ? 0 : intent.amount});
  account.event(`payment_intent.${manual ? 'amount_capturable_updated' : 'succeeded'}`, intent);
  return ok(intent);
}

const unexpected = (intent, verb) => invalid(`You cannot ${verb} this PaymentIntent because it has a status of ${intent.status}.`, {code: 'payment_intent_unexpected_state'});

const INTENT_TAKES = 'amount application_fee_amount capture_method currency customer description payment_method payment_method_data payment_method_options payment_method_types receipt_email setup_future_usage shipping statement_descriptor statement_descriptor_suffix transfer_data transfer_group';

const money = {
  payment_intents: {
    object: 'payment_intent', prefix: 'pi', param: 'intent', search: true, filters: 'customer', needs: ['amount', 'currency'], references: {customer: 'customers'},
    create: `${INTENT_TAKES} automatic_payment_methods confirm confirmation_method error_on_requires_action mandate mandate_data off_session on_behalf_of radar_options return_url use_stripe_sdk`,
    update: INTENT_TAKES,
    defaults: {amount: 0, amount_capturable: 0, amount_received: 0, cancellation_reason: null, capture_method: 'automatic', client_secret: null, confirmation_method: 'automatic', currency: 'usd', customer: null, description: null, invoice: null, last_payment_error: null, latest_charge: null, next_action: null, payment_method: null, payment_method_types: ['card'], receipt_email: null, shipping: null, status: 'requires_payment_method'},
    save(account, intent, given, fresh) {
      if (given.amount !== undefined && !/^\d+$/.test(given.amount)) return invalid(`Invalid integer: ${given.amount}`, {code: 'parameter_invalid_integer', param: 'amount'});
      if (Number(given.amount ?? 100) < 50) return invalid('Amount must be at least $0.50 usd', {code: 'amount_too_small', param: 'amount'});
      if (!fresh && ['succeeded', 'canceled'].includes(intent.status) && given.amount !== undefined) return unexpected(intent, 'update');
      copy(intent, given, {texts: 'customer description receipt_email statement_descriptor payment_method capture_method shipping', numbers: 'amount'});
      if (given.currency !== undefined) intent.currency = given.currency.toLowerCase();
      if (intent.payment_method && intent.status === 'requires_payment_method') intent.status = 'requires_confirmation';
      intent.client_secret ??= `${intent.id}_secret_${account.stripe.id('x').slice(2)}`;
      return undefined;
    },
    made: (account, intent, given) => (given.confirm === 'true' ? confirm(account, intent, given) : undefined),
    actions: {
      'POST confirm': confirm,
      'POST capture'(account, intent, given) {
        if (intent.status !== 'requires_capture') return unexpected(intent, 'capture');
        const amount = Number(given.amount_to_capture ?? intent.amount), done = capture(account, account.find('charges', intent.latest_charge), amount);
        if (done.status !== 200) return done;
        Object.assign(intent, {status: 'succeeded', amount_received: amount, amount_capturable: 0});
        account.event('payment_intent.succeeded', intent);
        return ok(intent);
      },
      'POST cancel'(account, intent, given) {
        if (['succeeded', 'canceled'].includes(intent.status)) return unexpected(intent, 'cancel');
        Object.assign(intent, {status: 'canceled', cancellation_reason: given.cancellation_reason ?? null});
        account.event('payment_intent.canceled', intent);
        return ok(intent);
      },
      'POST increment_authorization'(account, intent, given) {
        if (intent.status !== 'requires_capture') return unexpected(intent, 'increment');
        if (!(Number(given.amount) > intent.amount)) return invalid('The amount must be greater than the currently authorized amount.', {param: 'amount'});
        Object.assign(intent, {amount: Number(given.amount), amount_capturable: Number(given.amount)});
        account.find('charges', intent.latest_charge).amount = intent.amount;
        return ok(intent);
      },
      'POST apply_customer_balance'(account, intent, given) {
        if (!['requires_payment_method', 'requires_action'].includes(intent.status)) return unexpected(intent, 'apply a balance to');
        if (given.currency && given.currency !== intent.currency) return invalid('The currency does not match.', {param: 'currency'});
        return ok(intent);
      },
      'POST verify_microdeposits'(account, intent, given) {
        if (!given.amounts && !given.descriptor_code) return invalid('You must provide either amounts or descriptor_code.');
        if (intent.status !== 'requires_action') return unexpected(intent, 'verify');
        return ok(Object.assign(intent, {status: 'processing', next_action: null}));
      },
    },
  },
  charges: {
    object: 'charge', prefix: 'ch', param: 'charge', search: true, filters: 'customer payment_intent transfer_group', needs: ['amount', 'currency'], references: {customer: 'customers'},
    create: 'amount application_fee application_fee_amount capture card currency customer description destination on_behalf_of radar_options receipt_email shipping source statement_descriptor statement_descriptor_suffix transfer_data transfer_group',
    update: 'customer description fraud_details receipt_email shipping transfer_group',
    defaults: {amount: 0, amount_captured: 0, amount_refunded: 0, balance_transaction: null, captured: true, currency: 'usd', customer: null, description: null, disputed: false, failure_code: null, failure_message: null, paid: true, payment_intent: null, receipt_email: null, receipt_url: 'https://pay.stripe.com/receipts/x', refunded: false, shipping: null, status: 'succeeded', transfer_group: null},
    save(account, charge, given, fresh) {
      if (fresh && !given.source && !given.customer) return invalid('Must provide source or customer.', {param: 'source'});
      const declined = decline(account, given.source);
      if (declined) return declined;
      copy(charge, given, {texts: 'customer description receipt_email shipping transfer_group', numbers: 'amount'});
      if (fresh) Object.assign(charge, {currency: given.currency.toLowerCase(), captured: given.capture !== 'false'});
      return undefined;
    },
    made(account, charge) {
      if (charge.captured) Object.assign(charge, {amount_captured: charge.amount, balance_transaction: account.book('charge', charge.amount, charge.currency, charge.id)});
      account.event('charge.succeeded', charge);
      return undefined;
    },
    actions: {'POST capture': (account, charge, given) => capture(account, charge, Number(given.amount ?? charge.amount))},
  },
  refunds: {
    object: 'refund', prefix: 're', param: 'refund', filters: 'charge payment_intent', references: {charge: 'charges', payment_intent: 'payment_intents'},
    create: 'amount charge currency customer instructions_email origin payment_intent reason refund_application_fee reverse_transfer',
    update: '',
    defaults: {amount: 0, balance_transaction: null, charge: null, currency: 'usd', payment_intent: null, reason: null, status: 'succeeded'},
    save(account, refund, given, fresh) {
      if (!fresh) return undefined;
      const intent = given.payment_intent && account.find('payment_intents', given.payment_intent);
      const charge = account.find('charges', given.charge ?? intent?.latest_charge);
      if (!charge && intent) return invalid(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`, {param: 'payment_intent'});
      if (!charge) return missing('charge');
      const left = (charge.captured ? charge.amount_captured : charge.amount) - charge.amount_refunded, amount = Number(given.amount ?? left);
      if (left === 0) return invalid(`Charge ${charge.id} has already been refunded.`, {code: 'charge_already_refunded'});
      if (amount <= 0 || amount > left) return invalid(`Refund amount ($${amount / 100}) is greater than unrefunded amount on charge ($${left / 100})`, {param: 'amount'});
      charge.amount_refunded += amount;
      charge.refunded = amount === left;
      Object.assign(refund, {amount, charge: charge.id, currency: charge.currency, payment_intent: charge.payment_intent, reason: given.reason ?? null, balance_transaction: account.book('refund', -amount, charge.currency, refund.id), status: given.instructions_email ? 'requires_action' : 'succeeded'});
      account.event('charge.refunded', charge);
      return undefined;
    },
    actions: {'POST cancel': (account, refund) => (refund.status === 'requires_action' ? ok(Object.assign(refund, {status: 'canceled'})) : invalid('This refund cannot be canceled because it has already succeeded.'))},
  },
  payment_methods: {
    object: 'payment_method', prefix: 'pm', param: 'payment_method', filters: 'customer type', references: {customer: 'customers'},
    create: 'type card billing_details customer payment_method', update: 'card billing_details',
    defaults: {billing_details: {address: null, email: null, name: null, phone: null}, card: CARD, customer: null, type: 'card'},
    save(account, method, given, fresh) {
      if (fresh && !given.type && !given.payment_method) return missing('type');
      if (fresh && given.type === 'card' && !given.card) return missing('card');
      Object.assign(method.billing_details, given.billing_details ?? {});
      for (const name of ['exp_month', 'exp_year']) if (given.card?.[name]) method.card = {...method.card, [name]: Number(given.card[name])};
      if (given.customer) method.customer = given.customer;
      return undefined;
    },
    actions: {
      'POST attach'(account, method, given) {
        if (!given.customer) return missing('customer');
        if (!account.find('customers', given.customer)) return none('customer', given.customer, 'customer');
        if (method.customer && method.customer !== given.customer) return invalid('The payment method you provided has already been attached to a customer.', {code: 'payment_method_already_attached'});
        method.customer = given.customer;
        account.event('payment_method.attached', method);
        return ok(method);
      },
      'POST detach'(account, method) {
        if (!method.customer) return invalid('The payment method you provided is not attached to a customer so detachment is impossible.', {param: 'payment_method'});
        method.customer = null;
        return ok(method);
      },
    },
  },
};

// --- customers and what they are sold -----------------------------------------------------------------------------------------------

const CUSTOMER_TAKES = 'address balance cash_balance coupon description email invoice_prefix invoice_settings name next_invoice_sequence phone preferred_locales promotion_code shipping source tax tax_exempt';
const PRICE_TAKES = 'active currency_options lookup_key nickname tax_behavior transfer_lookup_key';

// A price out of `price_data`, for the product that it names or makes.
function priceOf(account, data) {
  const product = data.product ? account.find('products', data.product) : account.stripe.write(account, 'products', undefined, {name: data.product_data?.name}).body;
  if (!product) return none('product', data.product, 'price_data[product]');
  const {product_data, ...rest} = data;
  return account.stripe.write(account, 'prices', undefined, {...rest, product: product.id});
}

const sold = {
  customers: {
    object: 'customer', prefix: 'cus', search: true, ghost: true, filters: 'email test_clock', hidden: ['test_clock'],
    create: `${CUSTOMER_TAKES} payment_method tax_id_data test_clock`, update: `${CUSTOMER_TAKES} default_source`,
    defaults: {address: null, balance: 0, currency: null, default_source: null, delinquent: false, description: null, discount: null, email: null, invoice_prefix: 'EMULATOR', invoice_settings: {custom_fields: null, default_payment_method: null, footer: null}, name: null, phone: null, preferred_locales: [], shipping: null, tax_exempt: 'none', test_clock: null},
    save(account, customer, given) {
      if (given.email && !/^[^@\s]+@[^@\s]+$/.test(given.email)) return invalid(`Invalid email address: ${given.email}`, {code: 'email_invalid', param: 'email'});
      copy(customer, given, {texts: 'email name description phone address shipping', numbers: 'balance'});
      Object.assign(customer.invoice_settings, given.invoice_settings ?? {});
      return undefined;
    },
    remove(account, customer) {
      for (const s of account.subscriptions) if (s.customer === customer.id) s.status = 'canceled';
      return remove(account, customer);
    },
    actions: {'GET payment_methods': (account, customer, given, path) => account.page(account.payment_methods.filter((m) => m.customer === customer.id && (!given.type || m.type === given.type)), given, path)},
  },
  products: {
    object: 'product', prefix: 'prod', search: true, filters: 'active shippable url', needs: ['name'],
    create: 'active default_price_data description features id images name package_dimensions shippable statement_descriptor tax_code unit_label url',
    update: 'active default_price description features images name package_dimensions shippable statement_descriptor tax_code unit_label url',
    defaults: {active: true, default_price: null, description: null, features: [], images: [], name: '', package_dimensions: null, shippable: null, statement_descriptor: null, tax_code: null, unit_label: null, updated: 0, url: null},
    shown: (product, query) => query.ids === undefined || query.ids.includes(product.id),
    save(account, product, given, fresh) {
      if (fresh && given.id && account[`products`].some((p) => p.id === given.id)) return invalid('Product already exists.', {code: 'resource_already_exists', param: 'id'});
      if (fresh && given.id) product.id = given.id;
      copy(product, given, {texts: 'name description images url unit_label statement_descriptor tax_code default_price features', truths: 'active shippable'});
      product.updated = account.stripe.clock++;
      return undefined;
    },
    made(account, product, given) {
      if (given.default_price_data) product.default_price = account.stripe.write(account, 'prices', undefined, {...given.default_price_data, product: product.id}).body.id;
      return undefined;
    },
    remove: (account, product) => (account.prices.some((p) => p.product === product.id) ? invalid('This product cannot be deleted because it has one or more user-created prices.') : remove(account, product)),
  },
  prices: {
    object: 'price', prefix: 'price', search: true, filters: 'active currency product type', needs: ['currency'], references: {product: 'products'},
    create: 'active billing_scheme currency currency_options custom_unit_amount lookup_key nickname product product_data recurring tax_behavior tiers tiers_mode transfer_lookup_key transform_quantity unit_amount unit_amount_decimal',
    update: PRICE_TAKES,
    defaults: {active: true, billing_scheme: 'per_unit', currency: 'usd', custom_unit_amount: null, lookup_key: null, nickname: null, product: null, recurring: null, tax_behavior: 'unspecified', tiers_mode: null, transform_quantity: null, type: 'one_time', unit_amount: null, unit_amount_decimal: null},
    shown: (price, query) => query.lookup_keys === undefined || query.lookup_keys.includes(price.lookup_key),
    save(account, price, given, fresh) {
      const taken = given.lookup_key && account.prices.find((p) => p !== price && p.lookup_key === given.lookup_key);
      if (taken && given.transfer_lookup_key !== 'true') return invalid(`A price (\`${taken.id}\`) already uses that lookup key.`, {param: 'lookup_key'});
      if (taken) taken.lookup_key = null;
      if (fresh && !given.product && !given.product_data) return missing('product');
      if (fresh && given.unit_amount === undefined && !given.unit_amount_decimal && !given.tiers && !given.custom_unit_amount) return missing('unit_amount');
      if (fresh) price.product = given.product ?? account.stripe.write(account, 'products', undefined, given.product_data).body.id;
      copy(price, given, {texts: 'lookup_key nickname tax_behavior billing_scheme tiers_mode unit_amount_decimal currency', numbers: 'unit_amount', truths: 'active'});
      if (given.recurring) Object.assign(price, {type: 'recurring', recurring: {aggregate_usage: null, usage_type: 'licensed', ...given.recurring, interval_count: Number(given.recurring.interval_count ?? 1)}});
      price.unit_amount_decimal ??= price.unit_amount === null ? null : String(price.unit_amount);
      return undefined;
    },
  },
};

// --- billing ------------------------------------------------------------------------------------------------------------------------

const SUBSCRIPTION_TAKES = 'add_invoice_items application_fee_percent automatic_tax billing_cycle_anchor billing_thresholds cancel_at cancel_at_period_end collection_method coupon days_until_due default_payment_method default_source default_tax_rates description items off_session on_behalf_of payment_behavior payment_settings pending_invoice_item_interval promotion_code proration_behavior transfer_data trial_end trial_from_plan trial_settings';
const INVOICE_TAKES = 'account_tax_ids application_fee_amount auto_advance automatic_tax collection_method custom_fields days_until_due default_payment_method default_source default_tax_rates description discounts due_date effective_at footer on_behalf_of payment_settings rendering_options shipping_cost shipping_details statement_descriptor transfer_data';
const ITEM_TAKES = 'amount description discountable discounts period price price_data quantity tax_behavior tax_code tax_rates unit_amount unit_amount_decimal';

function subscriptionItems(account, subscription, items) {
  const made = [];
  for (const [i, item] of items.entries()) {
    const answer = item.price_data ? priceOf(account, item.price_data) : undefined;
    const price = answer ? (answer.status === 200 ? answer.body : undefined) : account.find('prices', item.price);
    if (!price) return {refused: answer ?? none('price', item.price, `items[${i}][price]`)};
    if (price.type !== 'recurring') return {refused: invalid('The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.', {param: `items[${i}][price]`})};
    made.push({id: item.id ?? account.stripe.id('si'), object: 'subscription_item', created: account.stripe.clock++, metadata: item.metadata ?? {}, price, quantity: Number(item.quantity ?? 1), subscription: subscription.id});
  }
  return {items: made};
}

function makeInvoice(account, customer, items, more = {}) {
  const total = items.reduce((sum, i) => sum + i.amount, 0);
  const invoice = {...structuredClone(billing.invoices.defaults), id: account.stripe.id('in'), object: 'invoice', created: account.stripe.clock++, livemode: false, metadata: {}, customer, ...more};
  const data = items.map((i) => ({id: account.stripe.id('il'), object: 'line_item', amount: i.amount, currency: i.currency, description: i.description, metadata: {}, period: i.period, price: i.price ?? null, quantity: i.quantity ?? 1}));
  Object.assign(invoice, {subtotal: total, total, amount_due: total, amount_remaining: total, lines: lines(`invoices/${invoice.id}/lines`, data)});
  account.invoices.push(invoice);
  return invoice;
}

function payInvoice(account, invoice, given = {}) {
  if (invoice.status === 'draft') finalize(account, invoice);
  if (invoice.status !== 'open') return invalid(`Invoice is already ${invoice.status}`, {code: invoice.status === 'paid' ? 'invoice_already_paid' : undefined});
  const declined = decline(account, given.payment_method);
  if (declined) return declined;
  if (given.paid_out_of_band !== 'true') invoice.charge = makeCharge(account, {amount: invoice.total, currency: invoice.currency, customer: invoice.customer, method: given.payment_method, captured: true}).id;
  Object.assign(invoice, {status: 'paid', paid: true, amount_paid: invoice.total, amount_remaining: 0});
  account.event('invoice.paid', invoice);
  return ok(invoice);
}

function finalize(account, invoice) {
  if (invoice.status !== 'draft') return invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.");
  Object.assign(invoice, {status: 'open', number: `EMULATOR-${String(account.invoices.indexOf(invoice) + 1).padStart(4, '0')}`, hosted_invoice_url: `https://invoice.stripe.com/i/${invoice.id}`, invoice_pdf: `https://pay.stripe.com/invoice/${invoice.id}/pdf`});
  account.event('invoice.finalized', invoice);
  return ok(invoice);
}

function closeInvoice(status, from) {
  return (account, invoice) => {
    if (!from.includes(invoice.status)) return invalid(`You can only pass in open invoices. This invoice isn't open.`);
    invoice.status = status;
    account.event(`invoice.${status === 'void' ? 'voided' : 'marked_uncollectible'}`, invoice);
    return ok(invoice);
  };
}

const itemPrice = (price, quantity) => (price.unit_amount ?? 0) * quantity;

const billing = {
  subscriptions: {
    object: 'subscription', prefix: 'sub', param: 'subscription_exposed_id', search: true, filters: 'customer collection_method', needs: ['customer', 'items'], references: {customer: 'customers'},
    create: `${SUBSCRIPTION_TAKES} backdate_start_date currency customer trial_period_days`, update: `${SUBSCRIPTION_TAKES} cancellation_details pause_collection proration_date`,
    defaults: {cancel_at: null, cancel_at_period_end: false, canceled_at: null, cancellation_details: null, collection_method: 'charge_automatically', currency: 'usd', customer: null, days_until_due: null, default_payment_method: null, description: null, ended_at: null, items: null, latest_invoice: null, pause_collection: null, start_date: 0, status: 'active', trial_end: null},
    shown: (s, query) => (query.status === 'all' ? true : query.status ? s.status === query.status : s.status !== 'canceled'),
    save(account, s, given, fresh) {
      if (s.status === 'canceled' && !fresh) return invalid('A canceled subscription can only update its cancellation_details and metadata.');
      if (given.items) {
        const {items, refused} = subscriptionItems(account, s, given.items);
        if (refused) return refused;
        s.items = lines(`subscription_items?subscription=${s.id}`, items);
        s.currency = items[0].price.currency;
      }
      copy(s, given, {texts: 'customer collection_method default_payment_method description pause_collection', numbers: 'days_until_due cancel_at', truths: 'cancel_at_period_end'});
      if (fresh) Object.assign(s, {start_date: s.created, current_period_start: s.created, current_period_end: s.created + MONTH});
      if (given.trial_period_days) Object.assign(s, {status: 'trialing', trial_end: s.created + Number(given.trial_period_days) * DAY});
      if (s.cancel_at_period_end) s.cancel_at = s.current_period_end;
      return undefined;
    },
    made(account, s, given) {
      if (s.status !== 'active') return undefined;
      const items = s.items.data.map((i) => ({amount: itemPrice(i.price, i.quantity), currency: s.currency, description: 'Subscription', period: {start: s.current_period_start, end: s.current_period_end}, price: i.price, quantity: i.quantity}));
      const invoice = makeInvoice(account, s.customer, items, {subscription: s.id, currency: s.currency});
      s.latest_invoice = invoice.id;
      finalize(account, invoice);
      if (given.payment_behavior === 'default_incomplete') s.status = 'incomplete';
      else if (payInvoice(account, invoice, {payment_method: s.default_payment_method}).status !== 200) s.status = 'incomplete';
      return undefined;
    },
    remove(account, s, given) {
      if (s.status === 'canceled') return none('subscription', s.id, 'id');
      Object.assign(s, {status: 'canceled', canceled_at: account.stripe.clock, ended_at: account.stripe.clock++, cancellation_details: {comment: null, feedback: null, reason: 'cancellation_requested', ...given.cancellation_details}});
      account.event('customer.subscription.deleted', s);
      return ok(s);
    },
    actions: {
      'POST resume'(account, s) {
        if (s.status !== 'paused') return invalid('Only subscriptions that are paused can be resumed.');
        s.status = 'active';
        account.event('customer.subscription.resumed', s);
        return ok(s);
      },
    },
  },
  invoices: {
    object: 'invoice', prefix: 'in', param: 'invoice', search: true, filters: 'customer status subscription collection_method', references: {customer: 'customers', subscription: 'subscriptions'}, needs: ['customer'],
    create: `${INVOICE_TAKES} currency customer from_invoice pending_invoice_items_behavior subscription`, update: INVOICE_TAKES,
    defaults: {amount_due: 0, amount_paid: 0, amount_remaining: 0, auto_advance: false, charge: null, collection_method: 'charge_automatically', currency: 'usd', customer: null, description: null, due_date: null, footer: null, hosted_invoice_url: null, invoice_pdf: null, lines: null, number: null, paid: false, payment_intent: null, status: 'draft', subscription: null, subtotal: 0, total: 0},
    save(account, invoice, given, fresh) {
      if (!fresh && invoice.status !== 'draft' && Object.keys(given).some((k) => k !== 'auto_advance')) return invalid("Finalized invoices can't be updated in this way", {code: 'invoice_not_editable'});
      if (given.collection_method === 'send_invoice' && given.days_until_due === undefined && given.due_date === undefined) return invalid('If collection_method is set to send_invoice, you must provide either due_date or days_until_due.', {param: 'due_date'});
      copy(invoice, given, {texts: 'customer collection_method description footer subscription currency', numbers: 'due_date', truths: 'auto_advance'});
      if (given.days_until_due) invoice.due_date = account.stripe.clock + Number(given.days_until_due) * DAY;
      if (!fresh) return undefined;
      const waiting = given.pending_invoice_items_behavior === 'exclude' ? [] : account.invoiceitems.filter((i) => !i.deleted && i.customer === given.customer && i.invoice === null);
      for (const item of waiting) item.invoice = invoice.id;
      const data = waiting.map((i) => ({id: account.stripe.id('il'), object: 'line_item', amount: i.amount, currency: i.currency, description: i.description, invoice_item: i.id, metadata: {}, period: i.period, price: i.price, quantity: i.quantity}));
      const total = data.reduce((sum, i) => sum + i.amount, 0);
      Object.assign(invoice, {subtotal: total, total, amount_due: total, amount_remaining: total, lines: lines(`invoices/${invoice.id}/lines`, data)});
      return undefined;
    },
    remove: (account, invoice) => (invoice.status === 'draft' ? remove(account, invoice) : invalid('You can only delete draft invoices.', {code: 'invoice_not_editable'})),
    alone: {
      upcoming(account, given) {
        if (!account.find('customers', given.customer)) return given.customer ? none('customer', given.customer, 'customer') : missing('customer');
        const s = account.subscriptions.find((x) => x.customer === given.customer && (!given.subscription || x.id === given.subscription) && x.status !== 'canceled');
        if (!s) return error(404, 'invalid_request_error', 'No upcoming invoices for customer: ' + given.customer, {code: 'invoice_upcoming_none'});
        const {id, ...preview} = makeInvoice(account, s.customer, s.items.data.map((i) => ({amount: itemPrice(i.price, i.quantity), currency: s.currency, description: 'Subscription', period: {start: s.current_period_end, end: s.current_period_end + MONTH}, price: i.price})), {subscription: s.id});
        account.invoices.splice(account.invoices.findIndex((i) => i.id === id), 1);
        return ok(preview);
      },
    },
    actions: {
      'POST finalize': finalize,
      'POST pay': payInvoice,
      'POST send'(account, invoice) {
        if (invoice.collection_method !== 'send_invoice') return invalid("You can only manually send an invoice if its collection method is 'send_invoice'.");
        if (invoice.status === 'draft') finalize(account, invoice);
        account.event('invoice.sent', invoice);
        return ok(invoice);
      },
      'POST void': closeInvoice('void', ['open', 'uncollectible']),
      'POST mark_uncollectible': closeInvoice('uncollectible', ['open']),
      'GET lines': (account, invoice, given, path) => account.page([...invoice.lines.data].reverse(), given, path),
    },
  },
  invoiceitems: {
    object: 'invoiceitem', prefix: 'ii', param: 'invoiceitem', filters: 'customer invoice', needs: ['customer'], references: {customer: 'customers', invoice: 'invoices', price: 'prices'},
    create: `${ITEM_TAKES} currency customer invoice subscription`, update: ITEM_TAKES,
    defaults: {amount: 0, currency: 'usd', customer: null, description: null, discountable: true, invoice: null, period: null, price: null, quantity: 1},
    shown: (item, query) => query.pending === undefined || (item.invoice === null) === (query.pending === 'true'),
    save(account, item, given, fresh) {
      copy(item, given, {texts: 'customer description currency invoice', numbers: 'amount quantity', truths: 'discountable'});
      item.period = given.period ?? item.period ?? {start: item.created, end: item.created};
      if (given.price) {
        item.price = account.find('prices', given.price);
        Object.assign(item, {amount: itemPrice(item.price, item.quantity), currency: item.price.currency});
      }
      return fresh && given.amount === undefined && !given.price && !given.unit_amount && !given.price_data ? missing('amount') : undefined;
    },
    remove,
  },
};

// --- pages where customers pay ------------------------------------------------------------------------------------------------------

// What is bought, with its prices. Gives {items} or {refused}.
function lineItems(account, given) {
  const made = [];
  for (const [i, item] of given.entries()) {
    const answer = item.price_data ? priceOf(account, item.price_data) : undefined;
    const price = answer ? (answer.status === 200 ? answer.body : undefined) : account.find('prices', item.price);
    if (!price) return {refused: answer ?? none('price', item.price, `line_items[${i}][price]`)};
    const quantity = Number(item.quantity ?? 1), amount = itemPrice(price, quantity);
    made.push({id: account.stripe.id('li'), object: 'item', amount_discount: 0, amount_subtotal: amount, amount_tax: 0, amount_total: amount, currency: price.currency, description: 'Item', price, quantity});
  }
  return {items: made};
}

const hideItems = ({line_items, ...shown}) => shown;
const listItems = (account, object, given, path) => account.page([...object.line_items].reverse(), given, path);

const LINK_TAKES = 'after_completion allow_promotion_codes automatic_tax billing_address_collection custom_fields custom_text customer_creation invoice_creation line_items payment_method_collection payment_method_types shipping_address_collection';

const pages = {
  'checkout/sessions': {
    object: 'checkout.session', prefix: 'cs_test', param: 'session', filters: 'customer payment_intent payment_link subscription', references: {customer: 'customers'}, needs: ['success_url'],
    create: 'after_expiration allow_promotion_codes automatic_tax billing_address_collection cancel_url client_reference_id consent_collection currency custom_fields custom_text customer customer_creation customer_email customer_update discounts expires_at invoice_creation line_items locale mode payment_intent_data payment_method_collection payment_method_options payment_method_types phone_number_collection setup_intent_data shipping_address_collection shipping_options submit_type subscription_data success_url tax_id_collection',
    defaults: {amount_subtotal: null, amount_total: null, cancel_url: null, client_reference_id: null, currency: null, customer: null, customer_details: null, customer_email: null, invoice: null, mode: 'payment', payment_intent: null, payment_link: null, payment_status: 'unpaid', status: 'open', subscription: null, success_url: null, url: null, line_items: []},
    show: hideItems,
    save(account, session, given) {
      const mode = given.mode ?? 'payment', {items, refused} = lineItems(account, given.line_items ?? []);
      if (refused) return refused;
      if (mode !== 'setup' && items.length === 0) return missing('line_items');
      if (mode === 'payment' && items.some((i) => i.price.type === 'recurring')) return invalid('You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.', {param: 'line_items'});
      if (given.customer && given.customer_email) return invalid('You may only specify one of these parameters: customer, customer_email.');
      copy(session, given, {texts: 'cancel_url client_reference_id customer customer_email mode success_url'});
      const total = items.reduce((sum, i) => sum + i.amount_total, 0);
      Object.assign(session, {line_items: items, amount_subtotal: total, amount_total: total, currency: items[0]?.currency ?? null, expires_at: Number(given.expires_at ?? session.created + DAY), url: `https://checkout.stripe.com/c/pay/${session.id}`});
      return undefined;
    },
    actions: {
      'POST expire'(account, session) {
        if (session.status !== 'open') return invalid(`Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`);
        Object.assign(session, {status: 'expired', url: null});
        account.event('checkout.session.expired', session);
        return ok(hideItems(session));
      },
      'GET line_items': listItems,
    },
  },
  payment_links: {
    object: 'payment_link', prefix: 'plink', param: 'payment_link', filters: 'active', needs: ['line_items'], show: hideItems,
    create: `${LINK_TAKES} application_fee_amount application_fee_percent consent_collection currency on_behalf_of payment_intent_data phone_number_collection shipping_options submit_type subscription_data tax_id_collection transfer_data`,
    update: `${LINK_TAKES} active`,
    defaults: {active: true, after_completion: {type: 'hosted_confirmation', hosted_confirmation: {custom_message: null}}, allow_promotion_codes: false, currency: 'usd', url: '', line_items: []},
    save(account, link, given, fresh) {
      const {items, refused} = fresh ? lineItems(account, given.line_items) : {items: link.line_items};
      if (refused) return refused;
      copy(link, given, {texts: 'after_completion', truths: 'active allow_promotion_codes'});
      Object.assign(link, {line_items: items, currency: items[0].currency, url: `https://buy.stripe.com/test_${link.id.slice(6)}`});
      return undefined;
    },
    actions: {'GET line_items': listItems},
  },
};

// --- the account --------------------------------------------------------------------------------------------------------------------

// What a purpose takes (https://docs.stripe.com/file-upload).
const PICTURES = ['image/jpeg', 'image/png'], PAGES = [...PICTURES, 'application/pdf'];
const PURPOSES = {account_requirement: PAGES, additional_verification: PAGES, business_icon: [...PICTURES, 'image/gif'], business_logo: [...PICTURES, 'image/gif'], customer_signature: PAGES, dispute_evidence: PAGES, identity_document: PAGES, pci_document: ['application/pdf'], tax_document_user_upload: PAGES, terminal_reader_splashscreen: [...PICTURES, 'image/gif']};

const rest = {
  events: {object: 'event', prefix: 'evt', filters: 'type', shown: (e, query) => query.types === undefined || query.types.includes(e.type)},
  webhook_endpoints: {
    object: 'webhook_endpoint', prefix: 'we', param: 'webhook_endpoint', filters: '', needs: ['url', 'enabled_events'],
    create: 'api_version connect description enabled_events url', update: 'description disabled enabled_events url',
    defaults: {api_version: null, application: null, description: null, enabled_events: [], status: 'enabled', url: ''},
    show: (endpoint, made) => (made ? {...endpoint, secret: `whsec_${endpoint.id.slice(3)}`} : endpoint),
    save(account, endpoint, given) {
      if (given.url !== undefined && !/^https?:\/\/[^/]+/.test(given.url)) return invalid('Invalid URL: An explicit scheme (such as https) must be provided.', {code: 'url_invalid', param: 'url'});
      copy(endpoint, given, {texts: 'api_version description enabled_events url'});
      if (given.disabled !== undefined) endpoint.status = given.disabled === 'true' ? 'disabled' : 'enabled';
      return undefined;
    },
    remove,
  },
  files: {
    object: 'file', prefix: 'file', param: 'file', filters: 'purpose', needs: ['file', 'purpose'], create: 'file file_link_data purpose',
    defaults: {expires_at: null, filename: null, links: null, purpose: null, size: 0, title: null, type: null, url: null},
    save(account, file, given) {
      const {bytes, filename, type} = given.file, kinds = PURPOSES[given.purpose];
      if (!kinds) return invalid(`Invalid purpose: must be one of ${Object.keys(PURPOSES).join(', ')}`, {param: 'purpose'});
      if (!kinds.includes(type)) return invalid(`The file type "${type}" is not supported. Supported types are: ${kinds.join(', ')}`, {param: 'file'});
      if (bytes.length > (given.purpose === 'identity_document' ? 16 : 5) * 1048576) return invalid('The file you uploaded is too large.', {param: 'file'});
      delete file.metadata; // a file has none
      Object.assign(file, {filename, purpose: given.purpose, size: bytes.length, type: type.split('/')[1], url: `https://files.stripe.com/v1/files/${file.id}/contents`});
      account.bytes.set(file.id, bytes);
      return undefined;
    },
    made(account, file, {file_link_data: wanted}) {
      const link = wanted?.create === 'true' ? account.stripe.write(account, 'file_links', undefined, {file: file.id, ...(wanted.expires_at && {expires_at: wanted.expires_at}), ...(wanted.metadata && {metadata: wanted.metadata})}).body : undefined;
      file.links = {object: 'list', data: link ? [link] : [], has_more: false, url: `/v1/file_links?file=${file.id}`};
    },
    actions: {'GET contents': (account, file) => ({status: 200, headers: {'content-type': file.type === 'png' ? 'image/png' : 'application/pdf', 'content-disposition': `attachment; filename="${file.filename}"`}, body: account.bytes.get(file.id)})},
  },
  file_links: {
    object: 'file_link', prefix: 'link', param: 'link', filters: 'file', needs: ['file'], references: {file: 'files'}, create: 'expires_at file', update: 'expires_at',
    defaults: {expired: false, expires_at: null, file: null, url: null},
    shown: (link, query) => query.expired === undefined || String(link.expired) === query.expired,
    save(account, link, given) {
      copy(link, given, {texts: 'file'});
      if (given.expires_at === 'now') Object.assign(link, {expired: true, expires_at: account.stripe.clock});
      else copy(link, given, {numbers: 'expires_at'});
      link.url = `https://files.stripe.com/links/${link.id}`;
      return undefined;
    },
  },
};

export const NOUNS = {...money, ...sold, ...billing, ...pages, ...rest};
