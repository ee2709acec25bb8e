// SPDX-License-Identifier: Apache-2.0
/**
 * The control plane, made to be embedded: {@link dev.culvert.control.Overlay} is the facade. No
 * third-party code, no System.exit, no static state.
 *
 * <p>A subnet's way in: the store's event, the mailbox, {@code LeaseView} (what the store holds),
 * {@code OverlayTable} (desired against actual), changes, {@link dev.culvert.datapath.Datapath}.
 *
 * <p>Threads: one for each overlay owns all its state; callers, the store and the datapath leave
 * messages for it. It makes all calls of the store and the datapath, so a store that hangs delays
 * calls of the overlay, and never packets.
 *
 * <p>Pure and of use alone: {@link dev.culvert.control.SubnetAllocator}, {@link
 * dev.culvert.control.AddressAllocator}. To write a store: {@link dev.culvert.control.LeaseStore}.
 */
package dev.culvert.control;
