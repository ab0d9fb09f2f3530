// The life of every main resource through the vendor's JavaScript SDK, unchanged but for its URL:
// create, read, list with filters, page to the end, save, patch, delete, not found.
//
//   node life.mjs http://127.0.0.1:8800/ordercloud
//
// Prints one line per resource, and fails with the first thing that is not as it should be.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const sdk = require('ordercloud-javascript-sdk');

const user = (name) => ({
  Username: name,
  FirstName: 'Ann',
  LastName: 'Other',
  Email: `${name}@example.com`,
  Active: true,
});
const address = { Street1: '1 Road', City: 'Oslo', Country: 'NO', Zip: '0150' };

// Name in the SDK, IDs of the parents, a body, and what a patch changes.
const RESOURCES = [
  ['AdminAddresses', [], address, { City: 'Bergen' }],
  ['AdminUsers', [], user('admin'), { LastName: 'One' }],
  ['Suppliers', [], { Name: 'Supplier', Active: true }, { Name: 'Another' }],
  ['SupplierUsers', ['sup'], user('seller'), { LastName: 'One' }],
  ['SupplierUserGroups', ['sup'], { Name: 'Sellers' }, { Description: 'All' }],
  ['SupplierAddresses', ['sup'], address, { City: 'Bergen' }],
  ['Catalogs', [], { Name: 'Catalog', Active: true }, { Description: 'All of it' }],
  ['Categories', ['cat'], { Name: 'Category', Active: true }, { Description: 'Some of it' }],
  ['Buyers', [], { Name: 'Buyer', Active: true, DefaultCatalogID: 'cat' }, { Name: 'Another' }],
  ['Users', ['acme'], user('buyer'), { LastName: 'One' }],
  ['UserGroups', ['acme'], { Name: 'Group' }, { Description: 'All' }],
  ['Addresses', ['acme'], address, { City: 'Bergen' }],
  ['PriceSchedules', [], { Name: 'Price', PriceBreaks: [{ Quantity: 1, Price: 2 }] }, { Currency: 'GBP' }],
  ['Specs', [], { Name: 'Spec', DefinesVariant: true }, { ListOrder: 3 }],
  ['Products', [], { Name: 'Product', Active: true, xp: { Brand: 'A' } }, { Description: 'New' }],
  ['ProductFacets', [], { Name: 'Brand', XpPath: 'Brand' }, { MinCount: 2 }],
  ['InventoryRecords', ['hat'], { AddressID: 'depot', QuantityAvailable: 3 }, { QuantityAvailable: 5 }],
];
const PAGES = 3;
const COUNT = 41;

// What was sent comes back; the API adds members of its own.
function holds(actual, expected, place) {
  if (expected === null || typeof expected !== 'object') return assert.equal(actual, expected, place);
  return Object.entries(expected).forEach(([key, value]) => holds(actual?.[key], value, `${place}.${key}`));
}

async function refused(call, status, code) {
  const error = await call.then(() => null, (reason) => reason);
  assert.ok(error, `expected ${status} ${code}`);
  assert.equal(error.isOrderCloudError, true);
  assert.equal(error.status, status);
  assert.equal(error.errorCode, code);
}

async function life(name, parents, body, change) {
  const api = sdk[name];
  const withID = (number) => {
    const each = { ...body, ID: `${name}-${String(number).padStart(3, '0')}` };
    return body.Username ? { ...each, Username: `${body.Username}-${number}` } : each;
  };
  const first = withID(1);
  const created = await api.Create(...parents, first);
  holds(created, first, name);
  await refused(api.Create(...parents, withID(1)), 409, 'IdExists');
  assert.deepEqual((await api.Get(...parents, first.ID)).ID, first.ID);

  const [member, value] = Object.entries(change)[0];
  const patched = await api.Patch(...parents, first.ID, change);
  assert.equal(patched[member], value);
  const kept = Object.keys(body).find((each) => each !== member && typeof body[each] === 'string');
  if (kept) assert.equal(patched[kept], first[kept]);

  const saved = await api.Save(...parents, first.ID, { ...first, xp: { note: 'saved' } });
  assert.equal(saved.xp.note, 'saved');

  for (let number = 2; number <= COUNT; number += 1) await api.Create(...parents, withID(number));
  const seen = [];
  for (let page = 1; page <= PAGES; page += 1) {
    const list = await api.List(...parents, { page, pageSize: 20, sortBy: ['ID'], filters: { ID: `${name}-*` } });
    assert.equal(list.Meta.TotalCount, COUNT);
    assert.equal(list.Meta.TotalPages, PAGES);
    seen.push(...list.Items.map((each) => each.ID));
  }
  assert.deepEqual(seen, Array.from({ length: COUNT }, (_, number) => withID(number + 1).ID));
  const last = await api.List(...parents, { filters: { ID: `>${withID(COUNT - 1).ID}` }, sortBy: ['ID'] });
  assert.ok(last.Items.some((each) => each.ID === withID(COUNT).ID));
  const found = await api.List(...parents, { search: first.ID, searchOn: ['ID'] });
  assert.deepEqual(found.Items.map((each) => each.ID), [first.ID]);
  await refused(api.List(...parents, { pageSize: 101 }), 400, 'List.InvalidPageSize');

  for (let number = 1; number <= COUNT; number += 1) await api.Delete(...parents, withID(number).ID);
  await refused(api.Get(...parents, first.ID), 404, 'NotFound');
  console.log(`${name}: ok`);
}

async function variantsAndAssignments() {
  const { Products, Specs, Catalogs, Categories, UserGroups, Addresses } = sdk;
  await Specs.Create({ ID: 'size', Name: 'Size', DefinesVariant: true });
  for (const option of ['s', 'm']) await Specs.CreateOption('size', { ID: option, Value: option.toUpperCase() });
  await Specs.SaveProductAssignment({ SpecID: 'size', ProductID: 'hat' });
  assert.equal((await Products.GenerateVariants('hat')).VariantCount, 2);
  const variants = await Products.ListVariants('hat');
  assert.deepEqual(variants.Items.map((each) => each.Specs[0].Value).sort(), ['M', 'S']);
  await Products.PatchVariant('hat', variants.Items[0].ID, { Description: 'Small' });
  await Products.SaveAssignment({ ProductID: 'hat', BuyerID: 'acme', PriceScheduleID: 'price' });
  assert.equal((await Products.ListAssignments({ productID: 'hat' })).Items.length, 1);
  await Catalogs.SaveAssignment({ CatalogID: 'cat', BuyerID: 'acme', ViewAllProducts: true });
  await Catalogs.SaveProductAssignment({ CatalogID: 'cat', ProductID: 'hat' });
  await Categories.SaveProductAssignment('cat', { CategoryID: 'top', ProductID: 'hat' });
  const inCategory = await Products.List({ catalogID: 'cat', categoryID: 'top' });
  assert.deepEqual(inCategory.Items.map((each) => each.ID), ['hat']);
  await UserGroups.SaveUserAssignment('acme', { UserGroupID: 'all', UserID: 'ann' });
  await Addresses.SaveAssignment('acme', { AddressID: 'home', UserID: 'ann', IsShipping: true });
  assert.equal((await Addresses.ListAssignments('acme')).Items.length, 1);
  console.log('Variants and assignments: ok');
}

async function ordersAndShipments() {
  const { Orders, LineItems, Shipments } = sdk;
  const order = await Orders.Create('Incoming', { ID: 'o1', FromCompanyID: 'acme', FromUserID: 'ann' });
  assert.equal(order.Status, 'Unsubmitted');
  const line = await LineItems.Create('Incoming', 'o1', { ID: 'l1', ProductID: 'hat', Quantity: 2 });
  assert.equal(line.LineTotal, 4);
  await LineItems.Patch('Incoming', 'o1', 'l1', { Quantity: 3 });
  assert.equal((await Orders.Get('Incoming', 'o1')).Total, 6);
  assert.equal((await Orders.Submit('Incoming', 'o1')).Status, 'Open');
  assert.equal((await Orders.List('Incoming', { filters: { LastUpdated: '>2020-01-01' } })).Items.length, 1);
  assert.equal((await LineItems.List('Incoming', 'o1')).Items.length, 1);
  await Shipments.Create({ ID: 's1', BuyerID: 'acme', Shipper: 'DPD' });
  await Shipments.SaveItem('s1', { OrderID: 'o1', LineItemID: 'l1', QuantityShipped: 3 });
  assert.equal((await Shipments.ListItems('s1')).Items[0].QuantityShipped, 3);
  assert.equal((await Orders.Get('Incoming', 'o1')).Status, 'Completed');
  await Shipments.Delete('s1');
  await Orders.Delete('Incoming', 'o1');
  await refused(Orders.Get('Incoming', 'o1'), 404, 'NotFound');
  console.log('Orders and shipments: ok');
}

async function syncs() {
  const { DeliveryConfigurations, ProductSynchronization, EntitySynchronization } = sdk;
  const DeliveryTargets = { Http: { Endpoint: 'https://hooks.example.com', Secret: 's' } };
  await DeliveryConfigurations.Create({ ID: 'hook', Name: 'Hook', Enabled: true, DeliveryTargets });
  assert.equal((await DeliveryConfigurations.List()).Items.length, 1);
  const sync = { DeliveryConfigID: 'hook', SyncProductChanged: true, SyncProductDeleted: true };
  await ProductSynchronization.Save(sync);
  assert.equal((await ProductSynchronization.Patch({ Paused: true })).Paused, true);
  const entity = { DeliveryConfigID: 'hook', SyncEntityChanged: true, SyncEntityDeleted: true };
  assert.equal((await EntitySynchronization.SaveCategories(entity)).DeliveryConfigID, 'hook');
  await EntitySynchronization.DeleteCategories();
  await ProductSynchronization.Delete();
  await DeliveryConfigurations.Delete('hook');
  console.log('Delivery configs and syncs: ok');
}

async function main(url) {
  sdk.Configuration.Set({ baseApiUrl: url });
  await refused(sdk.Auth.ClientCredentials('wrong', 'emulator', ['FullAccess']), 401, 'Auth.OauthError');
  const { access_token: token } = await sdk.Auth.ClientCredentials('emulator', 'emulator', ['FullAccess']);
  sdk.Tokens.SetAccessToken(token);
  await sdk.AdminAddresses.Create({ ID: 'depot', ...address });
  await sdk.Suppliers.Create({ ID: 'sup', Name: 'Sup', Active: true });
  await sdk.Catalogs.Create({ ID: 'cat', Name: 'Cat', Active: true });
  await sdk.Categories.Create('cat', { ID: 'top', Name: 'Top', Active: true });
  await sdk.Buyers.Create({ ID: 'acme', Name: 'Acme', Active: true, DefaultCatalogID: 'cat' });
  await sdk.Users.Create('acme', { ID: 'ann', ...user('ann') });
  await sdk.UserGroups.Create('acme', { ID: 'all', Name: 'All' });
  await sdk.Addresses.Create('acme', { ID: 'home', ...address });
  await sdk.PriceSchedules.Create({ ID: 'price', Name: 'Price', PriceBreaks: [{ Quantity: 1, Price: 2 }] });
  await sdk.Products.Create({ ID: 'hat', Name: 'Hat', Active: true, DefaultPriceScheduleID: 'price' });
  for (const resource of RESOURCES) await life(...resource);
  await variantsAndAssignments();
  await ordersAndShipments();
  await syncs();
}

await main(process.argv[2]);
