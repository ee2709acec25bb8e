// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.agent.socket.OverlayOperations;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Whether an interface still is as ADD made and reported it: CHECK. */
final class Inspection {
  private final OverlayOperations overlay;
  private final Kernel kernel;

  Inspection(OverlayOperations overlay, Kernel kernel) {
    this.overlay = overlay;
    this.kernel = kernel;
  }

  /**
   * @throws CniException with the first difference
   */
  void check(Call call, Configuration configuration) {
    configuration.requireKnownKeys();
    Map<String, Object> reported =
        configuration
            .previousResult()
            .orElseThrow(() ->
                new CniException(
                    CniCode.INVALID_CONFIGURATION,
                    "CHECK needs the configuration's \"prevResult\"."));
    AttachmentName name = call.attachment(configuration.network());
    Path netns = call.netns().orElseThrow();
    Sandbox there =
        kernel
            .look(netns, name.interfaceName())
            .orElseThrow(() -> differs(name, "it is not in the namespace " + netns + " any more"));
    Endpoint endpoint =
        Interfaces.find(overlay.status(), name)
            .orElseThrow(() -> differs(name, "the overlay does not know it"));
    compareWithKernel(name, endpoint, there);
    compareWithReport(name, endpoint, reported);
  }

  private void compareWithKernel(AttachmentName name, Endpoint endpoint, Sandbox there) {
    expect(name, there.up(), "it is down");
    expect(
        name,
        there.mac().equals(endpoint.mac()),
        "its MAC is " + there.mac() + " and was " + endpoint.mac());
    expect(
        name,
        there.peerIndex() == endpoint.interfaceIndex()
            && kernel.hostEnd(endpoint.interfaceIndex()).isPresent(),
        "its other end is not the host's interface " + endpoint.interfaceIndex());
    for (InetAddress address : endpoint.addresses()) {
      expect(
          name,
          there.addresses().contains(address),
          "it has lost its address " + IpAddresses.text(address));
      expect(
          name,
          there.routes().stream()
              .anyMatch(route -> route.destination().family() == IpFamily.of(address)),
          "no route leads through it for " + IpAddresses.text(address));
    }
  }

  /** Another container's address or MAC would mean that what the runtime tells is not so. */
  private static void compareWithReport(
      AttachmentName name, Endpoint endpoint, Map<String, Object> reported) {
    List<?> ips = reported.get("ips") instanceof List<?> list ? list : List.of();
    for (InetAddress address : endpoint.addresses()) {
      String text = IpPrefix.of(address).toString();
      expect(
          name,
          ips.stream()
              .anyMatch(ip -> ip instanceof Map<?, ?> fields && text.equals(fields.get("address"))),
          "it has the address " + text + ", which \"prevResult\" does not name");
    }
  }

  private static void expect(AttachmentName name, boolean condition, String otherwise) {
    if (!condition) {
      throw differs(name, otherwise);
    }
  }

  private static CniException differs(AttachmentName name, String how) {
    return new CniException(
        CniCode.NOT_AS_ADDED,
        "The interface %s of the container %s is not as it was added: %s."
            .formatted(name.interfaceName(), name.container(), how));
  }
}
