// What the same cost costs in genai-prices (npm @pydantic/genai-prices): calculations a second.
//
//   npm install --prefix build/peers @pydantic/genai-prices && node bench/peers/genai_prices.mjs
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const require = createRequire(path.resolve('build/peers/package.json'));
const { calcPrice } = await import(pathToFileURL(require.resolve('@pydantic/genai-prices')).href);

const cases = {
  'gpt-5': [{ input_tokens: 3000, output_tokens: 200, cache_read_tokens: 1000 }, 'gpt-5', 'openai'],
  'claude-sonnet-4-5': [
    { input_tokens: 24000, output_tokens: 200, cache_read_tokens: 20000, cache_write_tokens: 1000 },
    'claude-sonnet-4-5', 'anthropic'],
};
for (const [name, [usage, model, providerId]] of Object.entries(cases)) {
  const price = () => calcPrice(usage, model, { providerId });
  if (!price()) throw new Error(`no price of ${name}`);
  for (let i = 0; i < 20000; ++i) price();
  const count = 200000;
  const begin = process.hrtime.bigint();
  for (let i = 0; i < count; ++i) price();
  const nanoseconds = Number(process.hrtime.bigint() - begin) / count;
  console.log(`genai-prices calcPrice ${name}: ${(nanoseconds / 1000).toFixed(2)} us`);
}
