// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.agent.output.Json;
import dev.culvert.datapath.MacAddress;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The configuration of one call, as the runtime derives it from a network's (spec, sections 1 and
 * 4). Only ADD and CHECK read all of it: who deletes is not kept from it by a key that is wrong.
 */
final class Configuration {
  /** Those of the specification and its conventions that may stand in any plugin's, and ours. */
  private static final Set<String> KNOWN =
      Set.of(
          "args",
          "capabilities",
          "cniVersion",
          "cniVersions",
          "disableCheck",
          "disableGC",
          "dns",
          "loadOnlyInlinedPlugins",
          "name",
          "prevResult",
          "runtimeConfig",
          "socket",
          "type");

  /** Keys of others' plugins that we would have to do something for. */
  private static final Map<String, String> ADVICE =
      Map.of(
          "ipam", "addresses come from this host's lease, so leave it out",
          "ipMasq", "the agent's own key \"masquerade\" says what is masqueraded, so leave it out",
          "isGateway", "the host's end is always the gateway, so leave it out",
          "isDefaultGateway", "the host's end is always the gateway, so leave it out",
          "bridge", "there is no bridge, so leave it out",
          "vlan", "there is no bridge, so leave it out",
          "mtu", "it follows the underlay's, so leave it out");

  private final Map<String, Object> fields;
  private final CniVersion version;
  private final String network;

  private Configuration(Map<String, Object> fields) {
    this.fields = fields;
    this.version = CniVersion.parse(fields.get("cniVersion") instanceof String v ? v : "0.1.0");
    if (!(fields.get("name") instanceof String name) || !AttachmentName.isName(name)) {
      throw invalid(
          "\"name\" is missing or no name of a network: use letters, digits, \"_\", \".\" and"
              + " \"-\", and one of the first two at its start");
    }
    this.network = name;
  }

  /**
   * @throws CniException for what is no JSON object, another version, or a network without a name
   */
  static Configuration parse(String text) {
    Map<String, Object> fields;
    try {
      fields = Json.parseObject(text);
    } catch (RefusedException e) {
      throw new CniException(
          CniCode.UNDECODABLE, "The configuration cannot be read: " + e.getMessage());
    }
    return new Configuration(fields);
  }

  CniVersion version() {
    return version;
  }

  String network() {
    return network;
  }

  /**
   * What is overlooked would be done in another way than was asked. Keys with a dot or slash are
   * other people's name spaces, such as {@code cni.dev/...}.
   *
   * @throws CniException for a key that means nothing here
   */
  void requireKnownKeys() {
    for (Map.Entry<String, Object> field : fields.entrySet()) {
      String key = field.getKey();
      if (!KNOWN.contains(key) && !key.matches(".*[./].*") && saysSomething(field.getValue())) {
        throw unsupported(key, field.getValue(), ADVICE.getOrDefault(key, "there is no such key"));
      }
    }
    for (Map.Entry<String, Object> asked : object("runtimeConfig").entrySet()) {
      if (!Set.of("ips", "mac").contains(asked.getKey()) && saysSomething(asked.getValue())) {
        throw unsupported(
            "runtimeConfig." + asked.getKey(),
            asked.getValue(),
            "this plugin's capabilities are ips and mac: name the other one at the plugin that"
                + " has it");
      }
    }
  }

  /** What asks for nothing does no harm: {@code "ipMasq": false}. */
  private static boolean saysSomething(Object value) {
    return switch (value) {
      case null -> false;
      case Boolean b -> b;
      case Map<?, ?> map -> !map.isEmpty();
      case List<?> list -> !list.isEmpty();
      case String text -> !text.isEmpty();
      default -> true;
    };
  }

  /** {@code runtimeConfig.ips}, else {@code args.cni.ips}. */
  List<InetAddress> wantedAddresses() {
    for (Map<String, Object> place : List.of(object("runtimeConfig"), object("args", "cni"))) {
      Object ips = place.get("ips");
      if (saysSomething(ips)) {
        try {
          return Addresses.parse(texts(ips));
        } catch (RefusedException e) {
          throw unsupported("ips", ips, e.getMessage());
        }
      }
    }
    return List.of();
  }

  /** {@code runtimeConfig.mac}. */
  Optional<MacAddress> wantedMac() {
    Object mac = object("runtimeConfig").get("mac");
    if (!saysSomething(mac)) {
      return Optional.empty();
    }
    try {
      return Optional.of(MacAddress.parse(String.valueOf(mac)));
    } catch (RefusedException e) {
      throw unsupported("runtimeConfig.mac", mac, e.getMessage());
    }
  }

  /** What the result says of name servers: what was configured, since we know of none. */
  Map<String, Object> dns() {
    return object("dns");
  }

  /** The result of the plugin before this one in the chain; of CHECK, the whole chain's. */
  Optional<Map<String, Object>> previousResult() {
    return Optional.of(object("prevResult")).filter(result -> !result.isEmpty());
  }

  /**
   * Those of this network that live, by {@code cni.dev/valid-attachments}.
   *
   * @throws CniException when they are not named, which is not the same as none
   */
  Set<AttachmentName> validAttachments() {
    Object named =
        fields.getOrDefault("cni.dev/valid-attachments", fields.get("cni.dev/attachments"));
    if (!(named instanceof List<?> list)) {
      throw invalid("\"cni.dev/valid-attachments\" is missing or no list");
    }
    return list.stream()
        .map(each ->
            each instanceof Map<?, ?> map
                    && map.get("containerID") instanceof String container
                    && map.get("ifname") instanceof String interfaceName
                ? network + "@" + container + "@" + interfaceName
                : "")
        .map(AttachmentName::parse)
        // Names that we would never have accepted are none of ours.
        .flatMap(Optional::stream)
        .collect(java.util.stream.Collectors.toSet());
  }

  /** The object behind keys, or an empty one. */
  @SuppressWarnings("unchecked") // the parser makes no other maps
  private Map<String, Object> object(String... keys) {
    Map<String, Object> place = fields;
    for (String key : keys) {
      Object value = place.get(key);
      if (value == null) {
        return Map.of();
      }
      if (!(value instanceof Map<?, ?> map)) {
        throw invalid("\"" + String.join(".", keys) + "\" is no object");
      }
      place = (Map<String, Object>) map;
    }
    return place;
  }

  private static List<String> texts(Object value) {
    if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
      return list.stream().map(String.class::cast).toList();
    }
    throw new RefusedException("write a list of texts.");
  }

  private static CniException invalid(String what) {
    return new CniException(CniCode.INVALID_CONFIGURATION, "The configuration's " + what + ".");
  }

  private static CniException unsupported(String key, Object value, String why) {
    return new CniException(
        CniCode.UNSUPPORTED_FIELD,
        "The configuration's \"%s\" is %s: %s."
            .formatted(key, Json.line(value), why.endsWith(".") ? strip(why) : why));
  }

  private static String strip(String sentence) {
    return sentence.substring(0, sentence.length() - 1);
  }
}
