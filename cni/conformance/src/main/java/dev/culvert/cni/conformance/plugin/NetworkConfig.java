// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import dev.culvert.cni.conformance.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A network's configuration, from which each call's is derived as runtimes do (section 3 of the
 * specification).
 */
public final class NetworkConfig {
  private final Map<String, Object> fields;

  private NetworkConfig(Map<String, Object> fields) {
    this.fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }

  /**
   * Reads a file with one plugin's configuration (.conf), or with a list (.conflist), of which the
   * plugin's own entry is taken.
   *
   * @param type the plugin's name, by which its entry in a list is found
   * @throws IOException with one sentence for whoever named the file
   */
  public static NetworkConfig read(Path file, String type) throws IOException {
    try {
      return of(Json.object(Files.readString(file)), type);
    } catch (NoSuchFileException e) {
      throw new IOException("There is no file " + file + ": --config wants a configuration.", e);
    } catch (IOException e) {
      throw new IOException(
          file
              + " is no network configuration: "
              + e.getMessage()
              + ". See docs/cni-conformance.md.",
          e);
    }
  }

  static NetworkConfig of(Map<String, Object> object, String type) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>(object);
    if (object.get("plugins") instanceof List<?> plugins) {
      fields = new LinkedHashMap<>(entry(plugins, type));
      fields.put("name", object.get("name"));
    }
    if (!(fields.get("name") instanceof String name) || name.isEmpty()) {
      throw new IOException("it has no name");
    }
    return new NetworkConfig(fields);
  }

  @SuppressWarnings("unchecked") // the parser makes no other maps
  private static Map<String, Object> entry(List<?> plugins, String type) throws IOException {
    for (Object plugin : plugins) {
      if (plugin instanceof Map<?, ?> map && type.equals(map.get("type"))) {
        return (Map<String, Object>) map;
      }
    }
    throw new IOException("its list has no plugin of the type " + type);
  }

  public String name() {
    return fields.get("name").toString();
  }

  /** The same network under another name. */
  public NetworkConfig named(String name) {
    return with("name", name);
  }

  private NetworkConfig with(String key, Object value) {
    Map<String, Object> changed = new LinkedHashMap<>(fields);
    changed.put(key, value);
    return new NetworkConfig(changed);
  }

  /** Whether the plugin hands addresses to another plugin, which it finds by CNI_PATH. */
  public boolean delegates() {
    return fields.get("ipam") instanceof Map<?, ?> ipam
        && ipam.get("type") instanceof String type
        && !type.isEmpty();
  }

  /** What the configuration says a runtime may pass in runtimeConfig. */
  public Set<String> capabilities() {
    Set<String> names = new TreeSet<>();
    if (fields.get("capabilities") instanceof Map<?, ?> map) {
      map.forEach((name, on) -> {
        if (Boolean.TRUE.equals(on)) {
          names.add(name.toString());
        }
      });
    }
    return names;
  }

  /** What a call gets: the version and the name always, {@code capabilities} never. */
  public Map<String, Object> request(CniVersion version) {
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("cniVersion", version.toString());
    request.putAll(fields);
    request.put("cniVersion", version.toString());
    request.remove("capabilities");
    request.remove("cniVersions");
    return request;
  }
}
