// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static dev.culvert.datapath.Layouts.ENDPOINT;
import static dev.culvert.datapath.Layouts.ENDPOINT4_KEY;
import static dev.culvert.datapath.Layouts.ENDPOINT6_KEY;
import static dev.culvert.datapath.Layouts.INTERFACE;

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

/**
 * Maps endpoints4, endpoints6 (where a packet for a container goes) and interfaces (what a
 * container may send).
 */
final class EndpointTable {
  private final EntryMap endpoints4;
  private final EntryMap endpoints6;
  private final EntryMap interfaces;
  private final TrafficTable traffic;
  private final Ids<Key> ids = new Ids<>();

  private record Key(Vni vni, InetAddress address) {}

  EndpointTable(
      EntryMap endpoints4, EntryMap endpoints6, EntryMap interfaces, TrafficTable traffic) {
    this.traffic = traffic;
    this.endpoints4 = endpoints4;
    this.endpoints6 = endpoints6;
    this.interfaces = interfaces;
    recoverIds(true);
    recoverIds(false);
  }

  private void recoverIds(boolean ipv4) {
    endpoints(ipv4)
        .forEach((key, value) ->
            ids.recover(decodeKey(ipv4, key), Layouts.getInt(value, ENDPOINT, "endpoint_id")));
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

  private EntryMap endpoints(boolean ipv4) {
    return ipv4 ? endpoints4 : endpoints6;
  }

  /** Lets packets for the endpoint through to it. */
  void put(Endpoint endpoint) {
    EntryMap map = endpoints(Layouts.isIpv4(endpoint.address()));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ENDPOINT.sizeBytes(), 8);
      encode(endpoint, idOf(new Key(endpoint.vni(), endpoint.address())), value);
      map.put(key(arena, endpoint.vni(), endpoint.address()), value);
    } catch (RuntimeException refused) {
      throw MapFull.explain(map, endpoint.address().getHostAddress(), refused);
    }
  }

  Optional<Endpoint> get(Vni vni, InetAddress address) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ENDPOINT.sizeBytes(), 8);
      return endpoints(Layouts.isIpv4(address)).get(key(arena, vni, address), value)
          ? Optional.of(decode(new Key(vni, address), value))
          : Optional.empty();
    }
  }

  /** False when there was none. */
  boolean remove(Vni vni, InetAddress address) {
    try (Arena arena = Arena.ofConfined()) {
      ids.release(new Key(vni, address));
      return endpoints(Layouts.isIpv4(address)).remove(key(arena, vni, address));
    }
  }

  /** Every endpoint, by address. */
  List<Endpoint> read() {
    List<Endpoint> all = new ArrayList<>();
    for (boolean ipv4 : new boolean[] {true, false}) {
      endpoints(ipv4).forEach((key, value) -> all.add(decode(decodeKey(ipv4, key), value)));
    }
    all.sort((a, b) -> {
      int byVni = a.vni().compareTo(b.vni());
      return byVni != 0
          ? byVni
          : Arrays.compareUnsigned(a.address().getAddress(), b.address().getAddress());
    });
    return all;
  }

  /** What each endpoint sent and received, in the order of {@link #read}. */
  Map<Endpoint, Traffic> traffic() {
    Map<Key, Integer> byKey = new HashMap<>();
    for (boolean ipv4 : new boolean[] {true, false}) {
      endpoints(ipv4)
          .forEach((key, value) ->
              byKey.put(decodeKey(ipv4, key), Layouts.getInt(value, ENDPOINT, "endpoint_id")));
    }
    Map<Endpoint, Traffic> all = new LinkedHashMap<>();
    for (Endpoint endpoint : read()) {
      int id = byKey.getOrDefault(new Key(endpoint.vni(), endpoint.address()), 0);
      all.put(endpoint, traffic.read(id));
    }
    return all;
  }

  /** What may enter through an endpoint's interface: its own address from its own MAC. */
  void allowEndpoint(Endpoint endpoint) {
    InetAddress address = endpoint.address();
    allow(
        endpoint.interfaceIndex(),
        new Subnet(endpoint.vni(), new IpPrefix(address, address.getAddress().length * 8)),
        Optional.of(endpoint.mac()),
        idOf(new Key(endpoint.vni(), address)));
  }

  /** What may enter through a bridge: its subnet, from any MAC. */
  void allowBridge(int bridgeIndex, Subnet subnet) {
    allow(bridgeIndex, subnet, Optional.empty(), 0);
  }

  /** The host's own device: it belongs to a network, and no container sends through it. */
  void allowHost(int deviceIndex, Vni vni) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(INTERFACE.sizeBytes(), 8);
      Layouts.putInt(value, INTERFACE, "vni", vni.value());
      interfaces.put(interfaceKey(arena, deviceIndex), value);
    } catch (RuntimeException refused) {
      throw MapFull.explain(interfaces, "interface " + deviceIndex, refused);
    }
  }

  private void allow(int interfaceIndex, Subnet source, Optional<MacAddress> mac, int endpointId) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = interfaceKey(arena, interfaceIndex);
      MemorySegment value = arena.allocate(INTERFACE.sizeBytes(), 8);
      // An interface may hold one prefix of each family: the other family's stays, within one VNI.
      if (interfaces.get(key, value)
          && Layouts.getInt(value, INTERFACE, "vni") != source.vni().value()) {
        value.fill((byte) 0);
      }
      encodeInterface(source, mac, endpointId, value);
      interfaces.put(key, value);
    } catch (RuntimeException refused) {
      throw MapFull.explain(interfaces, "interface " + interfaceIndex, refused);
    }
  }

  /** False when there was none. */
  boolean forbid(int interfaceIndex) {
    try (Arena arena = Arena.ofConfined()) {
      return interfaces.remove(interfaceKey(arena, interfaceIndex));
    }
  }

  /** Every interface with an entry. */
  List<Integer> interfaceIndexes() {
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
    boolean ipv4 = Layouts.isIpv4(address);
    MemorySegment key = arena.allocate((ipv4 ? ENDPOINT4_KEY : ENDPOINT6_KEY).sizeBytes(), 8);
    encodeKey(vni, address, key);
    return key;
  }

  static void encodeKey(Vni vni, InetAddress address, MemorySegment key) {
    if (Layouts.isIpv4(address)) {
      Layouts.putInt(key, ENDPOINT4_KEY, "vni", vni.value());
      Layouts.putInt(key, ENDPOINT4_KEY, "address", Layouts.ipv4Bits(address));
    } else {
      Layouts.putInt(key, ENDPOINT6_KEY, "vni", vni.value());
      Layouts.putBytes(key, ENDPOINT6_KEY, "address", address.getAddress());
    }
  }

  private static Key decodeKey(boolean ipv4, MemorySegment key) {
    return ipv4
        ? new Key(
            new Vni(Layouts.getInt(key, ENDPOINT4_KEY, "vni")),
            Layouts.ipv4(Layouts.getInt(key, ENDPOINT4_KEY, "address")))
        : new Key(
            new Vni(Layouts.getInt(key, ENDPOINT6_KEY, "vni")),
            Layouts.address(Layouts.getBytes(key, ENDPOINT6_KEY, "address")));
  }

  static void encode(Endpoint endpoint, int id, MemorySegment value) {
    Layouts.putInt(value, ENDPOINT, "ifindex", endpoint.interfaceIndex());
    Layouts.putInt(value, ENDPOINT, "flags", endpoint.peer() ? Layouts.ENDPOINT_PEER : 0);
    Layouts.putInt(value, ENDPOINT, "endpoint_id", id);
    Layouts.putBytes(value, ENDPOINT, "mac", endpoint.mac().toBytes());
    Layouts.putBytes(value, ENDPOINT, "host_mac", endpoint.hostMac().toBytes());
  }

  private static Endpoint decode(Key key, MemorySegment value) {
    return new Endpoint(
        key.vni(),
        key.address(),
        Layouts.getInt(value, ENDPOINT, "ifindex"),
        (Layouts.getInt(value, ENDPOINT, "flags") & Layouts.ENDPOINT_PEER) != 0,
        MacAddress.of(Layouts.getBytes(value, ENDPOINT, "mac")),
        MacAddress.of(Layouts.getBytes(value, ENDPOINT, "host_mac")));
  }

  static void encodeInterface(
      Subnet source, Optional<MacAddress> mac, int endpointId, MemorySegment value) {
    IpPrefix prefix = source.prefix();
    Layouts.putInt(value, INTERFACE, "vni", source.vni().value());
    Layouts.putInt(value, INTERFACE, "flags", mac.isPresent() ? Layouts.INTERFACE_CHECK_MAC : 0);
    Layouts.putInt(value, INTERFACE, "endpoint_id", endpointId);
    mac.ifPresent(m -> Layouts.putBytes(value, INTERFACE, "mac", m.toBytes()));
    InetAddress mask = IpPrefix.mask(prefix.isIpv4(), prefix.length());
    if (prefix.isIpv4()) {
      Layouts.putInt(value, INTERFACE, "source4", Layouts.ipv4Bits(prefix.address()));
      Layouts.putInt(value, INTERFACE, "source4_mask", Layouts.ipv4Bits(mask));
    } else {
      Layouts.putBytes(value, INTERFACE, "source6", prefix.address().getAddress());
      Layouts.putBytes(value, INTERFACE, "source6_mask", mask.getAddress());
    }
  }
}
