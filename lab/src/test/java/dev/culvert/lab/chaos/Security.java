// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.lab.Command;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Shell;
import dev.culvert.store.etcd.EtcdConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a secured etcd and its hosts show each other: certificates, and a user's password. */
final class Security {
  static final String USER = "culvert";

  /** Its gateway refuses a client's certificate that has a common name, where it asks for users. */
  private static final String NO_COMMON_NAME = "/O=culvert";

  private final Shell shell;
  private final Path folder;
  private String password = "first";
  private int passwords;

  /**
   * Makes all that is needed.
   *
   * @param folder that there is
   * @param address of the one member
   */
  Security(Shell shell, Path folder, String address) {
    this.shell = shell;
    this.folder = folder;
    openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out authority.key");
    openssl("req -x509 -new -key authority.key -subj /CN=chaos -days 2 -out authority.pem");
    write(file("server.ext"), "subjectAltName=IP:" + address);
    write(file("client.ext"), "subjectAltName=DNS:host");
    for (String who : List.of("server", "client")) {
      openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out " + who + ".key");
      openssl("req -new -key " + who + ".key -subj " + NO_COMMON_NAME + " -out " + who + ".csr");
      sign(who, 2);
    }
    writePassword();
  }

  /** In the place of what was there, which nobody sees half written. */
  private void sign(String who, int days) {
    openssl(
        "x509 -req -in %1$s.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days %2$d"
                .formatted(who, days)
            + " -extfile %1$s.ext -out %1$s.new".formatted(who));
    try {
      Files.move(file(who + ".new"), file(who + ".pem"), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new LabException("Cannot replace a certificate: " + e + ".", e);
    }
  }

  private void openssl(String arguments) {
    List<String> words =
        new ArrayList<>(List.of("sh", "-c", "cd \"$0\" && exec openssl \"$@\"", folder.toString()));
    words.addAll(List.of(arguments.split(" ")));
    shell.check(Command.of(words).within(Links.PATIENCE));
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text + "\n");
    } catch (IOException e) {
      throw new LabException("Cannot write " + file + ": " + e + ".", e);
    }
  }

  /** For etcd. */
  List<String> arguments() {
    return List.of(
        "--cert-file=" + file("server.pem"),
        "--key-file=" + file("server.key"),
        "--trusted-ca-file=" + file("authority.pem"),
        "--client-cert-auth");
  }

  EtcdConfig.Tls tls() {
    return new EtcdConfig.Tls(
        Optional.of(file("authority.pem")),
        Optional.of(file("client.pem")),
        Optional.of(file("client.key")));
  }

  EtcdConfig.Login login() {
    return new EtcdConfig.Login(USER, file("password"));
  }

  /** For an agent's configuration. */
  String yaml() {
    return (", caFile: %1$s/authority.pem, certFile: %1$s/client.pem, keyFile: %1$s/client.key"
            + ", user: %2$s, passwordFile: %1$s/password")
        .formatted(folder, USER);
  }

  /** Members show it from the next connection on. */
  void expireServer() {
    sign("server", -1);
  }

  void renewServer() {
    sign("server", 2);
  }

  String password() {
    return password;
  }

  /** Another one, which hosts know once it is written. */
  String choosePassword() {
    password = "other-" + ++passwords;
    return password;
  }

  /** From now on hosts know it. */
  void writePassword() {
    write(file("password"), password);
  }
}
