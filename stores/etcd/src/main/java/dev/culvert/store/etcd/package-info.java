// SPDX-License-Identifier: Apache-2.0
/** Leases in etcd, over its HTTP/JSON gateway. */
package dev.culvert.store.etcd;
