import { testSharedPrefixes } from './shared-prefixes.test-helper.ts';

testSharedPrefixes(['wasm']);
