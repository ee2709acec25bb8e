// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;

/** Makes, finds and removes the devices of this instance, and never touches anybody else's. */
public final class OwnDevices {
  private final Netlink netlink;
  private final Ownership ownership;

  /** By name, the index of a device that was ours when we last looked. */
  private final Map<InterfaceName, Integer> known = new ConcurrentHashMap<>();

  public OwnDevices(Netlink netlink, Ownership ownership) {
    this.netlink = netlink;
    this.ownership = ownership;
  }

  /** The socket to the namespace that they are in. */
  public Netlink netlink() {
    return netlink;
  }

  /** How they are known. */
  public Ownership ownership() {
    return ownership;
  }

  /**
   * The device of that name, if there is one; one that somebody renamed gets its name back.
   *
   * @throws RefusedException when somebody else made it
   */
  public Optional<LinkInfo> find(InterfaceName name) {
    Optional<LinkInfo> present = netlink.link(name);
    present.ifPresent(link -> {
      if (known.getOrDefault(name, 0) == link.index() && !ownership.owns(link)) {
        netlink.setAlias(link.index(), ownership.alias(name.text())); // somebody changed it
      } else {
        requireOurs(link);
      }
    });
    Optional<LinkInfo> found = present.or(() -> renamed(name));
    found.ifPresent(link -> known.put(name, link.index()));
    return found;
  }

  private Optional<LinkInfo> renamed(InterfaceName name) {
    Optional<LinkInfo> elsewhere =
        netlink.links().stream()
            .filter(link -> ownership.what(link).equals(Optional.of(name.text())))
            .findFirst();
    elsewhere.ifPresent(link -> netlink.rename(link.index(), name));
    return elsewhere.flatMap(link -> netlink.link(link.index()));
  }

  private void requireOurs(LinkInfo present) {
    if (!ownership.owns(present)) {
      throw new RefusedException(
          "There is an interface "
              + present.name()
              + " already ("
              + (present.kind().isEmpty() ? "a device" : present.kind())
              + ", alias \""
              + present.alias()
              + "\"), which the instance "
              + ownership.instance()
              + " did not make. Stop what made it, or remove it: ip link delete "
              + present.name());
    }
  }

  /**
   * Makes a device and gives it our alias; all or nothing, since without its alias the next start
   * would take it for a foreign one.
   *
   * @param creation creates a device of that name
   * @param settings are given its index
   * @return its index
   */
  int make(InterfaceName name, Runnable creation, IntConsumer settings) {
    creation.run();
    int index = netlink.link(name).orElseThrow().index();
    try {
      netlink.setAlias(index, ownership.alias(name.text()));
      settings.accept(index);
    } catch (RuntimeException e) {
      netlink.deleteLink(index);
      throw e;
    }
    return index;
  }

  /** Deletes one; that it went away meanwhile, with its namespace perhaps, is no error. */
  public void delete(int index) {
    try {
      netlink.deleteLink(index);
    } catch (KernelException e) {
      if (e.errno() != Errno.ENODEV) {
        throw e;
      }
    }
  }

  /** Deletes all. */
  public void deleteAll() {
    for (LinkInfo link : netlink.links()) {
      if (ownership.owns(link)) {
        delete(link.index());
      }
    }
  }
}
