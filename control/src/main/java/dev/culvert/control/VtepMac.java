// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Vni;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * The MAC of a host's tunnel end: usually derived from its name, so that it needs no storage. The
 * kernel keeps what is in use, and the lease tells it to the others.
 */
final class VtepMac {
  /** IEEE 802: locally administered, and not multicast. */
  private static final int LOCALLY_ADMINISTERED = 0x02;

  private static final int MULTICAST = 0x01;

  private VtepMac() {}

  /** The first 48 bits of SHA-256 over name and VNI, made a local unicast address. */
  static MacAddress derive(HostName host, Vni vni) {
    byte[] mac = Arrays.copyOf(sha256(host + "/" + vni.value()), 6);
    mac[0] = (byte) ((mac[0] & ~MULTICAST) | LOCALLY_ADMINISTERED);
    return MacAddress.of(mac);
  }

  /**
   * That of a machine which takes over a lease without being known as its holder: so the holder, if
   * it lives after all, is told apart although name and address are the same.
   */
  static MacAddress random() {
    byte[] mac = new byte[6];
    new SecureRandom().nextBytes(mac);
    mac[0] = (byte) ((mac[0] & ~MULTICAST) | LOCALLY_ADMINISTERED);
    return MacAddress.of(mac);
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
