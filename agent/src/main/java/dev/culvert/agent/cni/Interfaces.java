// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.agent.socket.OverlayOperations;
import dev.culvert.control.OverlayBusyException;
import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Gives containers their interfaces and takes them away: ADD, DEL and GC. */
final class Interfaces {
  private final OverlayOperations overlay;
  private final Kernel kernel;
  private final Attachments attachments;

  /** A note and its interface change together; the overlay does one thing at a time anyway. */
  private final Object oneByOne = new Object();

  Interfaces(OverlayOperations overlay, Kernel kernel, Attachments attachments) {
    this.overlay = overlay;
    this.kernel = kernel;
    this.attachments = attachments;
  }

  /**
   * {@return the result for the runtime}
   *
   * @throws CniException when it cannot be; nothing is left then
   */
  Map<String, Object> add(Call call, Configuration configuration) {
    configuration.requireKnownKeys();
    refuseMac(call, configuration);
    List<InetAddress> wanted =
        call.arguments().addresses().isEmpty()
            ? configuration.wantedAddresses()
            : call.arguments().addresses();
    AttachmentName name = call.attachment(configuration.network());
    Path netns = call.netns().orElseThrow();
    ContainerEnd container =
        new ContainerEnd(netns, name.interfaceName(), Optional.of(name.label()));
    Endpoint endpoint;
    synchronized (oneByOne) {
      requireNew(name);
      endpoint = attach(name, container, wanted);
    }
    try {
      return describe(configuration, endpoint, container);
    } catch (RuntimeException e) {
      takeBack(name, e);
      throw e;
    }
  }

  /** MACs come from addresses, so that neighbours' caches stay true. */
  private static void refuseMac(Call call, Configuration configuration) {
    call.arguments()
        .mac()
        .or(configuration::wantedMac)
        .ifPresent(mac -> {
          throw new CniException(
              CniCode.UNSUPPORTED_FIELD,
              "The MAC %s was asked for (\"runtimeConfig.mac\" or CNI_ARGS): containers have the MAC that comes from their address."
                  .formatted(mac));
        });
  }

  private void takeBack(AttachmentName name, RuntimeException why) {
    try {
      delete(name);
    } catch (RuntimeException e) {
      why.addSuppressed(e); // its note stays, so that DEL or GC can do it
    }
  }

  /** Who asks twice gets an error (spec, section 2), unless what there was is gone by itself. */
  private void requireNew(AttachmentName name) {
    Optional<Endpoint> there = find(overlay.status(), name);
    if (there.isPresent() && kernel.hostEnd(there.get().interfaceIndex()).isPresent()) {
      throw new CniException(
          CniCode.INTERFACE_EXISTS,
          "The container %s has its interface %s already: delete it first (DEL)."
              .formatted(name.container(), name.interfaceName()));
    }
    there.ifPresent(endpoint -> detach(endpoint, name));
  }

  private Endpoint attach(AttachmentName name, ContainerEnd container, List<InetAddress> wanted) {
    attachments.add(name);
    try {
      return overlay.attach(container, wanted);
    } catch (OverlayBusyException e) {
      throw e; // what was begun may not be taken back yet: the note stays until DEL or GC
    } catch (RuntimeException e) {
      attachments.remove(name);
      throw e;
    }
  }

  private Map<String, Object> describe(
      Configuration configuration, Endpoint endpoint, ContainerEnd container) {
    Sandbox there =
        kernel
            .look(container.netns(), container.interfaceName())
            .orElseThrow(() -> vanished(container));
    Kernel.HostEnd here =
        kernel.hostEnd(endpoint.interfaceIndex()).orElseThrow(() -> vanished(container));
    List<IpPrefix> subnets =
        overlay.status().leases().stream().map(lease -> lease.subnet().prefix()).toList();
    return new Result(configuration)
        .with(
            endpoint.withContainer(Optional.of(container)),
            here,
            container.netns().toString(),
            there)
        .with(endpoint.addresses(), subnets)
        .with(there.routes())
        .fields();
  }

  private static CniException vanished(ContainerEnd container) {
    return new CniException(
        CniCode.UNKNOWN_CONTAINER,
        "The interface " + container + " vanished as soon as it was made: did the container end?");
  }

  /** What is gone already is no error. */
  void delete(AttachmentName name) {
    synchronized (oneByOne) {
      find(overlay.status(), name).ifPresent(endpoint -> detach(endpoint, name));
      attachments.remove(name);
    }
  }

  /** A container that ends takes its interface along, perhaps between our question and our wish. */
  private void detach(Endpoint endpoint, AttachmentName name) {
    try {
      overlay.detach(endpoint.address());
    } catch (RefusedException e) {
      if (find(overlay.status(), name).isPresent()) {
        throw e;
      }
    }
  }

  /** Deletes what runtimes deleted while no agent answered. */
  void finishDeletions() {
    deleteAll(attachments.deleted());
  }

  /**
   * Deletes all of a network that does not live any more; goes on after errors.
   *
   * @throws CniException with all that could not be
   */
  void collect(String network, Set<AttachmentName> valid) {
    List<AttachmentName> gone = new ArrayList<>(attachments.deleted());
    attachments.all().stream()
        .filter(name -> name.network().equals(network) && !valid.contains(name))
        .filter(name -> !gone.contains(name))
        .forEach(gone::add);
    deleteAll(gone);
  }

  private void deleteAll(Iterable<AttachmentName> names) {
    List<String> failures = new ArrayList<>();
    for (AttachmentName name : names) {
      try {
        delete(name);
      } catch (RuntimeException e) {
        failures.add(name + ": " + e.getMessage());
      }
    }
    if (!failures.isEmpty()) {
      throw new CniException(
          CniCode.TRY_AGAIN_LATER, "Not all could be deleted. " + String.join(" ", failures));
    }
  }

  /** By what the kernel keeps with the interface. */
  static Optional<Endpoint> find(OverlayStatus status, AttachmentName name) {
    return status.endpoints().stream()
        .filter(endpoint ->
            endpoint
                .container()
                .filter(container ->
                    container.label().equals(Optional.of(name.label()))
                        && container.interfaceName().equals(name.interfaceName()))
                .isPresent())
        .findFirst();
  }
}
