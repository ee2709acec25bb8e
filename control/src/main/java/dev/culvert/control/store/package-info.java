// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration stores: where hosts lease their subnets and see each other's. {@link
 * dev.culvert.control.store.DirectoryLeaseStore} is the embedded default (files, one directory),
 * {@link dev.culvert.control.store.MemoryLeaseStore} serves one JVM. Each may be called from any
 * thread, and tells its events on a thread of its own.
 */
package dev.culvert.control.store;
