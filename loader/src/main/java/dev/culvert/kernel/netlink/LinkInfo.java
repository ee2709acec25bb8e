// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

/**
 * An interface.
 *
 * @param index 1 or more, unique in its namespace
 * @param name as the kernel has it
 * @param kind as in {@code ip -d link} (veth, vxlan, bridge, ...), empty for a plain device
 * @param mtuBytes the largest packet that it carries, from the IP header on
 * @param up whether it is switched on, which does not say that it has a carrier
 * @param mac 6 bytes, or empty for a device that has none
 * @param peerIndex the other end of a veth, or the device below; 0 for none
 * @param masterIndex the bridge or the like that it is under; 0 for none
 * @param alias what {@link Netlink#setAlias} set; empty for none
 * @param peerNamespaceId where {@code peerIndex} counts, by the id of {@code ip netns list-id}; -1
 *     for this namespace
 */
@SuppressWarnings("ArrayRecordComponent") // Raw bytes as the kernel has them; never compared.
public record LinkInfo(
    int index,
    String name,
    String kind,
    int mtuBytes,
    boolean up,
    byte[] mac,
    int peerIndex,
    int masterIndex,
    String alias,
    int peerNamespaceId) {

  /**
   * The same with another MTU.
   *
   * @param bytes the largest IP packet
   * @return a new record
   */
  public LinkInfo withMtu(int bytes) {
    return new LinkInfo(
        index, name, kind, bytes, up, mac, peerIndex, masterIndex, alias, peerNamespaceId);
  }
}
