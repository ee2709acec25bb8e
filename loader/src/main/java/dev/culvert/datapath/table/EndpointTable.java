// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.ENDPOINT;
import static dev.culvert.datapath.table.Layouts.ENDPOINT4_KEY;
import static dev.culvert.datapath.table.Layouts.ENDPOINT6_KEY;
import static dev.culvert.datapath.table.Layouts.INTERFACE;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.TakenException;
import dev.culvert.datapath.Traffic;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.object.StructLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/**
 * Maps endpoints4, endpoints6 (where a packet for a container goes) and interfaces (what a
 * container may send). A container with an address of each family has an entry for each, which name
 * the same interface, and one entry in interfaces.
 */
public final class EndpointTable {
  private static final ByFamily<StructLayout> KEYS = new ByFamily<>(ENDPOINT4_KEY, ENDPOINT6_KEY);

  private final ByFamily<EntryMap> endpoints;
  private final EntryMap interfaces;
  private final TrafficTable traffic;
  private final Ids<Key> ids = new Ids<>();

  private record Key(Vni vni, InetAddress address) {}

  /** One entry: an endpoint, as far as one of its addresses tells. */
  private record Half(Key key, MacAddress mac, Endpoint.HostEnd host) {
    static Half decode(Key key, MemorySegment value) {
      return new Half(
          key,
          MacAddress.of(Layouts.getBytes(value, ENDPOINT, "mac")),
          new Endpoint.HostEnd(
              Layouts.getInt(value, ENDPOINT, "ifindex"),
              MacAddress.of(Layouts.getBytes(value, ENDPOINT, "host_mac")),
              (Layouts.getInt(value, ENDPOINT, "flags") & Layouts.ENDPOINT_PEER) != 0));
    }

    boolean isOf(Half other) {
      return host.interfaceIndex() == other.host.interfaceIndex()
          && key.vni().equals(other.key.vni())
          && mac.equals(other.mac)
          && host.mac().equals(other.host.mac());
    }

    Endpoint with(Optional<InetAddress> other) {
      List<InetAddress> addresses = new ArrayList<>(List.of(key.address()));
      other.ifPresent(addresses::add);
      return new Endpoint(key.vni(), addresses, mac, host);
    }
  }

  EndpointTable(
      EntryMap endpoints4, EntryMap endpoints6, EntryMap interfaces, TrafficTable traffic) {
    this.traffic = traffic;
    this.endpoints = new ByFamily<>(endpoints4, endpoints6);
    this.interfaces = interfaces;
    forEachId(ids::recover);
  }

  private void forEachId(BiConsumer<Key, Integer> visitor) {
    for (IpFamily family : IpFamily.values()) {
      endpoints
          .of(family)
          .forEach((key, value) ->
              visitor.accept(
                  decodeKey(family, key), Layouts.getInt(value, ENDPOINT, "endpoint_id")));
    }
  }

  /** A new number may have been another's: its counters begin at 0. */
  private int idOf(Key key) {
    boolean known = ids.has(key);
    int id = ids.of(key);
    if (!known) {
      traffic.clear(id);
    }
    return id;
  }

  /** Lets packets for the endpoint through to it: all of its addresses, or none. */
  public void put(Endpoint endpoint) {
    int id = idOf(new Key(endpoint.vni(), endpoint.address()));
    List<InetAddress> written = new ArrayList<>();
    try {
      for (InetAddress address : endpoint.addresses()) {
        put(endpoint, address, id);
        written.add(address);
      }
    } catch (RuntimeException refused) {
      written.forEach(address -> removeEntry(endpoint.vni(), address));
      throw refused;
    }
  }

  private void put(Endpoint endpoint, InetAddress address, int id) {
    EntryMap map = endpoints.of(IpFamily.of(address));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ENDPOINT.sizeBytes(), 8);
      encode(endpoint, id, value);
      map.put(key(arena, endpoint.vni(), address), value);
    } catch (RuntimeException refused) {
      throw MapFull.explain(map, IpAddresses.text(address), refused);
    }
  }

  /** By any of its addresses. */
  public Optional<Endpoint> get(Vni vni, InetAddress address) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ENDPOINT.sizeBytes(), 8);
      if (!endpoints.of(IpFamily.of(address)).get(key(arena, vni, address), value)) {
        return Optional.empty();
      }
      Half half = Half.decode(new Key(vni, address), value);
      return Optional.of(half.with(other(half)));
    }
  }

  /**
   * Sees to it that no other network has an endpoint of that address here: this host's own route to
   * it can lead to one of them only.
   *
   * @throws RefusedException when one has
   */
  public void requireOneNetwork(Vni vni, InetAddress address) {
    for (Endpoint other : read()) {
      if (!other.vni().equals(vni) && other.addresses().contains(address)) {
        throw new TakenException(
            IpAddresses.text(address)
                + " is attached already in the network with VNI "
                + other.vni()
                + ", and this host's route to an address leads to one container only: choose another"
                + " address, or attach it on another host.");
      }
    }
  }

  /** The same interface's address of the other family. */
  private Optional<InetAddress> other(Half half) {
    IpFamily family = IpFamily.of(half.key().address()).other();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment allowed = arena.allocate(INTERFACE.sizeBytes(), 8);
      if (!interfaces.get(interfaceKey(arena, half.host().interfaceIndex()), allowed)) {
        return Optional.empty();
      }
      Vni vni = half.key().vni();
      InetAddress source = Sources.address(allowed, family);
      MemorySegment value = arena.allocate(ENDPOINT.sizeBytes(), 8);
      return endpoints.of(family).get(key(arena, vni, source), value)
              && Half.decode(new Key(vni, source), value).isOf(half)
          ? Optional.of(source)
          : Optional.empty();
    }
  }

  /** All entries of the endpoint that has this address; false when there was none. */
  public boolean remove(Vni vni, InetAddress address) {
    Optional<Endpoint> endpoint = get(vni, address);
    endpoint.ifPresent(this::remove);
    return endpoint.isPresent();
  }

  public void remove(Endpoint endpoint) {
    endpoint.addresses().forEach(address -> removeEntry(endpoint.vni(), address));
    ids.release(new Key(endpoint.vni(), endpoint.address()));
  }

  private void removeEntry(Vni vni, InetAddress address) {
    try (Arena arena = Arena.ofConfined()) {
      endpoints.of(IpFamily.of(address)).remove(key(arena, vni, address));
    }
  }

  /** Every endpoint, by address. */
  public List<Endpoint> read() {
    Map<Integer, List<Half>> byInterface =
        halves(IpFamily.IPV6).stream()
            .collect(Collectors.groupingBy(half -> half.host().interfaceIndex()));
    List<Endpoint> all = new ArrayList<>();
    for (Half half : halves(IpFamily.IPV4)) {
      List<Half> here = byInterface.getOrDefault(half.host().interfaceIndex(), List.of());
      Optional<Half> other = here.stream().filter(half::isOf).findFirst();
      other.ifPresent(here::remove);
      all.add(half.with(other.map(found -> found.key().address())));
    }
    byInterface.values().stream()
        .flatMap(List::stream)
        .forEach(half -> all.add(half.with(Optional.empty())));
    all.sort((a, b) -> {
      int byVni = a.vni().compareTo(b.vni());
      return byVni != 0
          ? byVni
          : Arrays.compareUnsigned(a.address().getAddress(), b.address().getAddress());
    });
    return all;
  }

  private List<Half> halves(IpFamily family) {
    List<Half> halves = new ArrayList<>();
    endpoints
        .of(family)
        .forEach((key, value) -> halves.add(Half.decode(decodeKey(family, key), value)));
    return halves;
  }

  /** What each endpoint sent and received, in the order of {@link #read}. */
  Map<Endpoint, Traffic> traffic() {
    Map<Key, Integer> byKey = new HashMap<>();
    forEachId(byKey::put);
    Map<Endpoint, Traffic> all = new LinkedHashMap<>();
    for (Endpoint endpoint : read()) {
      int id = byKey.getOrDefault(new Key(endpoint.vni(), endpoint.address()), 0);
      all.put(endpoint, traffic.read(id));
    }
    return all;
  }

  /** What may enter through an endpoint's interface: its own addresses from its own MAC. */
  public void allowEndpoint(Endpoint endpoint) {
    allowEndpoint(endpoint, false);
  }

  /**
   * The same.
   *
   * @param lentRoom whether the interface is a port of {@code Headroom}'s bridge
   */
  public void allowEndpoint(Endpoint endpoint, boolean lentRoom) {
    int id = idOf(new Key(endpoint.vni(), endpoint.address()));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(INTERFACE.sizeBytes(), 8);
      for (InetAddress address : endpoint.addresses()) {
        Subnet source = new Subnet(endpoint.vni(), IpPrefix.of(address));
        Sources.encode(source, Optional.of(endpoint.mac()), id, value);
      }
      if (lentRoom) {
        int flags = Layouts.getInt(value, INTERFACE, "flags");
        Layouts.putInt(value, INTERFACE, "flags", flags | Layouts.INTERFACE_LENT_ROOM);
      }
      interfaces.put(interfaceKey(arena, endpoint.interfaceIndex()), value);
    } catch (RuntimeException refused) {
      throw MapFull.explain(interfaces, "interface " + endpoint.interfaceIndex(), refused);
    }
  }

  /** What may enter through a bridge: its subnet, from any MAC. */
  public void allowBridge(int bridgeIndex, Subnet subnet) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = interfaceKey(arena, bridgeIndex);
      MemorySegment value = arena.allocate(INTERFACE.sizeBytes(), 8);
      // An interface may hold one prefix of each family: the other family's stays, within one VNI.
      if (interfaces.get(key, value)
          && Layouts.getInt(value, INTERFACE, "vni") != subnet.vni().value()) {
        value.fill((byte) 0);
      }
      Sources.encode(subnet, Optional.empty(), 0, value);
      interfaces.put(key, value);
    } catch (RuntimeException refused) {
      throw MapFull.explain(interfaces, "interface " + bridgeIndex, refused);
    }
  }

  /** The host's own device: it belongs to a network, and no container sends through it. */
  public void allowHost(int deviceIndex, Vni vni) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(INTERFACE.sizeBytes(), 8);
      Layouts.putInt(value, INTERFACE, "vni", vni.value());
      interfaces.put(interfaceKey(arena, deviceIndex), value);
    } catch (RuntimeException refused) {
      throw MapFull.explain(interfaces, "interface " + deviceIndex, refused);
    }
  }

  /** False when there was none. */
  public boolean forbid(int interfaceIndex) {
    try (Arena arena = Arena.ofConfined()) {
      return interfaces.remove(interfaceKey(arena, interfaceIndex));
    }
  }

  /** Every interface with an entry. */
  public List<Integer> interfaceIndexes() {
    List<Integer> all = new ArrayList<>();
    interfaces.forEach((key, value) -> all.add(key.get(Layouts.INTERFACE_KEY, 0)));
    return all;
  }

  private static MemorySegment interfaceKey(Arena arena, int interfaceIndex) {
    MemorySegment key = arena.allocate(Layouts.INTERFACE_KEY);
    key.set(Layouts.INTERFACE_KEY, 0, interfaceIndex);
    return key;
  }

  private static MemorySegment key(Arena arena, Vni vni, InetAddress address) {
    MemorySegment key = arena.allocate(KEYS.of(IpFamily.of(address)).sizeBytes(), 8);
    encodeKey(vni, address, key);
    return key;
  }

  static void encodeKey(Vni vni, InetAddress address, MemorySegment key) {
    StructLayout layout = KEYS.of(IpFamily.of(address));
    Layouts.putInt(key, layout, "vni", vni.value());
    Layouts.putRaw(key, layout, "address", address);
  }

  private static Key decodeKey(IpFamily family, MemorySegment key) {
    StructLayout layout = KEYS.of(family);
    return new Key(
        new Vni(Layouts.getInt(key, layout, "vni")),
        Layouts.getRaw(key, layout, "address", family));
  }

  static void encode(Endpoint endpoint, int id, MemorySegment value) {
    Layouts.putInt(value, ENDPOINT, "ifindex", endpoint.interfaceIndex());
    Layouts.putInt(value, ENDPOINT, "flags", endpoint.peer() ? Layouts.ENDPOINT_PEER : 0);
    Layouts.putInt(value, ENDPOINT, "endpoint_id", id);
    Layouts.putBytes(value, ENDPOINT, "mac", endpoint.mac().toBytes());
    Layouts.putBytes(value, ENDPOINT, "host_mac", endpoint.hostMac().toBytes());
  }
}
