// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/** Authorities and certificates of a test's own, made by openssl, as people make theirs. */
record Certificates(Path folder) {
  /** A certificate and its key, both PEM. */
  record Pair(Path certificate, Path key) {}

  /** An authority that signs. */
  Pair authority(String name) throws Exception {
    Pair pair = pair(name);
    openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        pair.key().toString(),
        "-out",
        pair.certificate().toString(),
        "-subj",
        "/CN=" + name,
        "-days",
        "30");
    return pair;
  }

  /**
   * @param names as openssl has them, such as {@code IP:127.0.0.1}
   * @param days that it is valid from now on; negative for one that has expired
   */
  Pair signed(Pair by, String name, String names, int days) throws Exception {
    Pair pair = pair(name);
    Path request = folder.resolve(name + ".csr");
    Path extensions = Files.writeString(folder.resolve(name + ".ext"), "subjectAltName=" + names);
    openssl(
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        pair.key().toString(),
        "-out",
        request.toString(),
        "-subj",
        "/O=culvert");
    openssl(
        "x509",
        "-req",
        "-in",
        request.toString(),
        "-CA",
        by.certificate().toString(),
        "-CAkey",
        by.key().toString(),
        "-CAcreateserial",
        "-days",
        Integer.toString(days),
        "-extfile",
        extensions.toString(),
        "-out",
        pair.certificate().toString());
    return pair;
  }

  private Pair pair(String name) {
    return new Pair(folder.resolve(name + ".pem"), folder.resolve(name + ".key"));
  }

  /** Puts one in the place of another, under its name. */
  static void replace(Pair old, Pair by) throws Exception {
    Files.copy(by.key(), old.key(), StandardCopyOption.REPLACE_EXISTING);
    Files.copy(by.certificate(), old.certificate(), StandardCopyOption.REPLACE_EXISTING);
  }

  static EtcdConfig.Tls tls(Pair authority, Pair shown) {
    return new EtcdConfig.Tls(
        Optional.of(authority.certificate()),
        Optional.of(shown.certificate()),
        Optional.of(shown.key()));
  }

  static EtcdConfig.Tls trusting(Pair authority) {
    return new EtcdConfig.Tls(
        Optional.of(authority.certificate()), Optional.empty(), Optional.empty());
  }

  private static void openssl(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new AssertionError(command + ": " + said);
    }
  }
}
