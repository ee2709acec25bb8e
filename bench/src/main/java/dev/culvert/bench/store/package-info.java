// SPDX-License-Identifier: Apache-2.0
/** What many hosts ask of their store, how fast they hear of each other, and what that costs. */
package dev.culvert.bench.store;
