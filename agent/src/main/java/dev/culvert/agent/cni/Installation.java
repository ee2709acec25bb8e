// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.agent.UserException;
import dev.culvert.agent.output.Json;
import dev.culvert.kernel.RefusedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The plugin and its network's configuration where a container runtime looks for them. Each file
 * appears whole or not at all; what somebody else wrote stays.
 *
 * @param program where the plugin goes
 * @param list where the configuration goes
 */
public record Installation(Path program, Path list) {
  /** Before those of other plugins: runtimes take the first in the order of names. */
  private static final String LIST_NAME = "10-culvert.conflist";

  /** Names of the specification's versions that runtimes may choose from (1.1.0, section 1). */
  private static final List<String> VERSIONS =
      Arrays.stream(CniVersion.values()).map(CniVersion::text).toList();

  /**
   * @param binaries such as /opt/cni/bin
   * @param configurations such as /etc/cni/net.d
   */
  public static Installation in(Path binaries, Path configurations) {
    return new Installation(
        binaries.resolve(PluginProgram.NAME), configurations.resolve(LIST_NAME));
  }

  /**
   * Writes both, the plugin first: a configuration names nothing that is not there.
   *
   * @throws UserException when somebody else's file is in the way
   */
  public void install(String network, Path socket) {
    if (!AttachmentName.isName(network)) {
      throw new UserException(
          "\"%s\" is no name of a network: use letters, digits, \"_\", \".\" and \"-\"."
              .formatted(network));
    }
    try {
      if (Files.exists(program) && !PluginProgram.isIt(program)) {
        throw new UserException(
            program + " is another program: choose another --bin-dir, or move it away.");
      }
      if (Files.exists(list) && !isAsWritten()) {
        throw new UserException(
            list + " was changed since, or is not ours: move it away, and install again.");
      }
      write(program, PluginProgram.bytes(), "rwxr-xr-x");
      write(list, text(network, socket.toString()).getBytes(StandardCharsets.UTF_8), "rw-r--r--");
    } catch (IOException e) {
      throw failed("install the CNI plugin", e);
    }
  }

  /**
   * Takes both away, the configuration first.
   *
   * @return what was removed
   * @throws UserException when the configuration was changed; nothing is removed then
   */
  public List<Path> uninstall() {
    List<Path> removed = new ArrayList<>();
    try {
      if (Files.exists(list) && !isAsWritten()) {
        throw new UserException(
            list + " was changed since it was installed: remove it by hand, then run this again.");
      }
      if (Files.deleteIfExists(list)) {
        removed.add(list);
      }
      if (Files.exists(program) && PluginProgram.isIt(program)) {
        Files.delete(program);
        removed.add(program);
      }
      return removed;
    } catch (IOException e) {
      throw failed("remove the CNI plugin", e);
    }
  }

  /** Version 1.0.0 is what every runtime of today reads; newer ones choose from the list. */
  static String text(String network, String socket) {
    Map<String, Object> plugin = new LinkedHashMap<>();
    plugin.put("type", PluginProgram.NAME);
    plugin.put("socket", socket);
    plugin.put("capabilities", Map.of("ips", true));
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("cniVersion", CniVersion.V1_0_0.text());
    fields.put("cniVersions", VERSIONS);
    fields.put("name", network);
    fields.put("plugins", List.of(plugin));
    return Json.pretty(fields) + "\n";
  }

  /** Whether the configuration is, byte for byte, one that was written here. */
  private boolean isAsWritten() throws IOException {
    String there = Files.readString(list, StandardCharsets.ISO_8859_1);
    return written(there).filter(there::equals).isPresent();
  }

  private static Optional<String> written(String there) {
    try {
      Map<String, Object> fields = Json.parseObject(there);
      return fields.get("name") instanceof String network
              && fields.get("plugins") instanceof List<?> plugins
              && plugins.size() == 1
              && plugins.getFirst() instanceof Map<?, ?> plugin
              && plugin.get("socket") instanceof String socket
          ? Optional.of(text(network, socket))
          : Optional.empty();
    } catch (RefusedException e) {
      return Optional.empty();
    }
  }

  private static void write(Path file, byte[] bytes, String mode) throws IOException {
    Files.createDirectories(file.getParent());
    Path unnamed = file.resolveSibling("." + file.getFileName() + ".new");
    try {
      Files.write(unnamed, bytes);
      Files.setPosixFilePermissions(unnamed, PosixFilePermissions.fromString(mode));
      Files.move(unnamed, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(unnamed);
    }
  }

  private static UserException failed(String what, IOException e) {
    return new UserException(
        "Cannot %s: %s%s."
            .formatted(what, e.getMessage(), e instanceof NoSuchFileException ? " is missing" : ""),
        e);
  }
}
