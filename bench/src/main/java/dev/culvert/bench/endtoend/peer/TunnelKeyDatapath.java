// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.bpf.BpfObject;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import dev.culvert.kernel.bpf.Link;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Namespaces;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.LabDatapath;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Cilium's way: bpf/peer/tunnel_key.bpf.c at tc, and a collect_md tunnel device that does the
 * wrapping and unwrapping. Programs and links are held by this process and end with it.
 */
public final class TunnelKeyDatapath implements LabDatapath {
  private static final String OBJECT = "/dev/culvert/bench/tunnel_key.bpf.o";
  private static final int IPV4_BITS = 32;
  private static final ValueLayout.OfInt NETWORK_ORDER = JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN);

  private final Topology topology;
  private final TunnelDevice device;
  private final String name;
  private final Libc libc = Libc.system();
  private final Map<Integer, BpfObject> objects = new HashMap<>();
  private final List<Link> links = new ArrayList<>();

  TunnelKeyDatapath(Topology topology, TunnelDevice device) {
    this.topology = topology;
    this.device = device;
    this.name = "cilium_" + device;
  }

  @Override
  public String name() {
    return "tunnel-key";
  }

  @Override
  public void up() {
    LabPlan plan = topology.plan();
    plan.containerList()
        .forEach(container -> topology.linkContainer(container, containerMtuBytes()));
    for (LabPlan.Host host : plan.hostList()) {
      topology.ip(
          host.namespace(),
          List.of(
              "link add %s type %s external dstport %d".formatted(name, device, device.port()),
              "link set " + name + " mtu " + Topology.UNDERLAY_MTU_BYTES + " up"));
      try (NetNamespace namespace = NetNamespace.open(libc, Namespaces.path(host.namespace()))) {
        namespace.run(() -> {
          load(host);
          return null;
        });
      }
    }
  }

  /** On a thread in the host's namespace, to which interface indices belong. */
  private void load(LabPlan.Host host) {
    try (Netlink netlink = Netlink.open(libc)) {
      int tunnel = link(netlink, name).index();
      BpfObject object = BpfObject.load(libc, spec(), Map.of());
      objects.put(host.number(), object);
      putTunnel(object.map("tunnel_device"), tunnel);
      for (LabPlan.Host other : topology.plan().hostList()) {
        if (other.number() != host.number()) {
          putRemote(object.map("remotes"), other.subnet(), other.address());
        }
      }
      attach(object, "from_tunnel", tunnel);
      for (LabPlan.Container container : topology.plan().containersOf(host)) {
        LinkInfo own = link(netlink, container.name());
        putContainer(object.map("containers"), container, own);
        attach(object, "to_tunnel", own.index());
      }
    }
  }

  private static BpfObjectSpec spec() {
    try (InputStream in = TunnelKeyDatapath.class.getResourceAsStream(OBJECT)) {
      return BpfObjectSpec.parse(in.readAllBytes(), "tunnel_key.bpf.o");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void attach(BpfObject object, String program, int interfaceIndex) {
    links.add(Link.attachTc(libc, object.program(program), interfaceIndex, Link.Direction.INGRESS));
  }

  private static LinkInfo link(Netlink netlink, String name) {
    return netlink
        .link(new InterfaceName(name))
        .orElseThrow(() -> new LabException("There is no interface " + name + "."));
  }

  private static void putTunnel(BpfMap map, int index) {
    try (Arena arena = Arena.ofConfined()) {
      map.put(arena.allocateFrom(JAVA_INT, 0), arena.allocateFrom(JAVA_INT, index), BpfMap.ANY);
    }
  }

  /** struct remote_key and struct remote. */
  private static void putRemote(BpfMap map, String subnet, String vtep) {
    IpPrefix prefix = IpPrefix.parse(subnet);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(8, 8);
      key.set(JAVA_INT, 0, prefix.length());
      key.set(NETWORK_ORDER, 4, number(IpAddresses.text(prefix.address())));
      map.put(key, arena.allocateFrom(JAVA_INT, number(vtep)), BpfMap.ANY);
    }
  }

  /** The container's address, and struct container. */
  private void putContainer(BpfMap map, LabPlan.Container container, LinkInfo own) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(16, 8);
      value.set(JAVA_INT, 0, own.index());
      MemorySegment.copy(peerMac(container), 0, value, ValueLayout.JAVA_BYTE, 4, 6);
      MemorySegment.copy(own.mac(), 0, value, ValueLayout.JAVA_BYTE, 10, 6);
      map.put(arena.allocateFrom(NETWORK_ORDER, number(container.address())), value, BpfMap.ANY);
    }
  }

  private byte[] peerMac(LabPlan.Container container) {
    try (NetNamespace namespace = NetNamespace.open(libc, Namespaces.path(container.namespace()));
        Netlink netlink = Netlink.open(libc, namespace)) {
      return link(netlink, Topology.DEVICE).mac();
    }
  }

  /** An IPv4 address as a number, most significant byte first. */
  private static int number(String address) {
    try {
      byte[] bytes = InetAddress.getByName(address).getAddress();
      if (bytes.length * 8 != IPV4_BITS) {
        throw new LabException(address + " is not IPv4, which is all that tunnel-key carries.");
      }
      return ByteBuffer.wrap(bytes).getInt();
    } catch (UnknownHostException e) {
      throw new LabException("\"" + address + "\" is no address.", e);
    }
  }

  /** One remote subnet more on a host. */
  public void putRemote(LabPlan.Host host, String subnet, LabPlan.Host owner) {
    putRemote(objects.get(host.number()).map("remotes"), subnet, owner.address());
  }

  @Override
  public int containerMtuBytes() {
    return Topology.UNDERLAY_MTU_BYTES - IpFamily.IPV4.overheadBytes();
  }

  @Override
  public int tunnelPort() {
    return device.port();
  }

  @Override
  public void close() {
    links.forEach(Link::close);
    objects.values().forEach(BpfObject::close);
    links.clear();
    objects.clear();
  }
}
