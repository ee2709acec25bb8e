// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.datapath.ContainerLabel;
import dev.culvert.kernel.InterfaceName;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One interface of one container in one of the runtime's networks: what CNI calls an attachment.
 *
 * @param network the configuration's "name"; a runtime may have several that lead to one agent
 * @param container CNI_CONTAINERID
 * @param interfaceName CNI_IFNAME
 */
record AttachmentName(String network, String container, InterfaceName interfaceName) {
  /** As the specification has it, sections 1 and 2, for networks and containers. */
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.\\-]*");

  /** With an interface's name and what parts them it stays below NAME_MAX (255). */
  private static final int MOST = 200;

  static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  /**
   * @throws CniException when the names are too long to be kept
   */
  AttachmentName {
    if (network.length() + container.length() > MOST) {
      throw new CniException(
          CniCode.INVALID_ENVIRONMENT,
          "CNI_CONTAINERID and the network's name have %d characters together, and %d is the most."
              .formatted(network.length() + container.length(), MOST));
    }
  }

  /** What its file is called; the plugin calls it so too (place.c). */
  String fileName() {
    return network + "@" + container + "@" + interfaceName;
  }

  /** Reads {@link #fileName}; empty for anything else. */
  static Optional<AttachmentName> parse(String fileName) {
    String[] parts = fileName.split("@", 3);
    return parts.length == 3
            && isName(parts[0])
            && isName(parts[1])
            && parts[0].length() + parts[1].length() <= MOST
            && InterfaceName.isValid(parts[2])
        ? Optional.of(new AttachmentName(parts[0], parts[1], new InterfaceName(parts[2])))
        : Optional.empty();
  }

  /** The endpoint's label: the container's identifier, or of a longer one a digest. */
  ContainerLabel label() {
    return new ContainerLabel(
        container.length() <= ContainerLabel.MAX_LENGTH ? container : digest(container));
  }

  private static String digest(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("Every Java has SHA-256.", e);
    }
  }

  @Override
  public String toString() {
    return interfaceName + " of " + container + " in " + network;
  }
}
