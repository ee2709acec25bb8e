// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.datapath.Vni;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The files beside the leases that say what all hosts of a network must agree on: {@code
 * vni-1.network}. Changes are made under {@link DirectoryLock} only.
 */
final class NetworkFiles {
  private final LeaseDirectory directory;

  NetworkFiles(LeaseDirectory directory) {
    this.directory = directory;
  }

  /** Empty also where the file makes no sense. */
  Optional<NetworkSettings> read(Vni vni) {
    try {
      NetworkSettings settings = parse(directory.file(LeaseFile.networkName(vni)));
      return Optional.of(settings).filter(read -> read.vni().equals(vni));
    } catch (NoSuchFileException | MalformedException | CharacterCodingException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new LeaseStoreException("The network of VNI " + vni + " cannot be read: " + e + ".", e);
    }
  }

  private static NetworkSettings parse(Path file) throws IOException, MalformedException {
    return NetworkText.parse(LeaseDirectory.text(file));
  }

  /** Whether a file is there, of whatever content. */
  boolean isThere(Vni vni) {
    return Files.exists(directory.file(LeaseFile.networkName(vni)));
  }

  void write(NetworkSettings settings) {
    directory.put(LeaseFile.networkName(settings.vni()), NetworkText.format(settings));
  }

  void remove(Vni vni) {
    directory.remove(LeaseFile.networkName(vni));
  }

  /** One sentence for each that makes no sense, or says another VNI than its name. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    for (Path file : directory.files("vni-*" + LeaseFile.NETWORK_SUFFIX)) {
      try {
        Vni vni = parse(file).vni();
        if (!file.endsWith(LeaseFile.networkName(vni))) {
          problems.add("The network file " + file + " says VNI " + vni + "; rename or mend it.");
        }
      } catch (MalformedException e) {
        problems.add(problem(file, e.getMessage()));
      } catch (CharacterCodingException e) {
        problems.add(problem(file, "line 1: the file is not UTF-8 text."));
      } catch (IOException e) {
        problems.add(problem(file, "it cannot be read: " + e + "."));
      }
    }
    return problems;
  }

  private static String problem(Path file, String what) {
    return "The network file "
        + file
        + " is malformed, "
        + what
        + " It counts for nothing until"
        + " it is mended.";
  }
}
