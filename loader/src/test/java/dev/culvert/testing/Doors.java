// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Calls everything that a module exports with null for each parameter in turn. All else that is
 * needed for the call, its object too, is hollow: made without a constructor, so that only a check
 * at the door, before anything is used, can answer as it should.
 */
public final class Doors {
  /** What is no object of ours and cannot be made hollow. */
  private static final Map<Class<?>, Object> VALUES =
      Map.ofEntries(
          Map.entry(String.class, "x"),
          Map.entry(Object.class, "x"),
          Map.entry(Path.class, Path.of("/proc/no/such/file")),
          Map.entry(Duration.class, Duration.ofSeconds(1)),
          Map.entry(Instant.class, Instant.EPOCH),
          Map.entry(InetAddress.class, InetAddress.getLoopbackAddress()),
          Map.entry(Optional.class, Optional.empty()),
          Map.entry(OptionalInt.class, OptionalInt.empty()),
          Map.entry(List.class, List.of()),
          Map.entry(Set.class, Set.of()),
          Map.entry(Map.class, Map.of()),
          Map.entry(boolean.class, false),
          Map.entry(char.class, 'x'),
          Map.entry(byte.class, (byte) 1),
          Map.entry(short.class, (short) 1),
          Map.entry(int.class, 1),
          Map.entry(long.class, 1L),
          Map.entry(double.class, 1.0));

  private Doors() {}

  /**
   * What takes null, or fails at it in another way than is promised: a {@link NullPointerException}
   * with the parameter's name, or an {@link IllegalArgumentException}.
   *
   * @param one any class of the module
   * @return such as {@code Overlay.attach(Path, InterfaceName, Optional) 1: no exception}
   */
  public static List<String> open(Class<?> one) throws IOException, URISyntaxException {
    List<String> open = new ArrayList<>();
    for (Class<?> type : exported(one)) {
      if (Throwable.class.isAssignableFrom(type)) {
        continue; // one that is thrown for want of a message would hide what it is about
      }
      for (Constructor<?> constructor : type.getDeclaredConstructors()) {
        if (Modifier.isPublic(constructor.getModifiers())
            && !Modifier.isAbstract(type.getModifiers())) {
          tryEach(constructor, constructor::newInstance, open);
        }
      }
      for (Method method : type.getDeclaredMethods()) {
        if (isDoor(type, method)) {
          boolean isStatic = Modifier.isStatic(method.getModifiers());
          tryEach(method, args -> method.invoke(isStatic ? null : value(type), args), open);
        }
      }
    }
    return open;
  }

  /** {@return how many constructors and methods of a module are looked at} */
  public static long count(Class<?> one) throws IOException, URISyntaxException {
    return exported(one).stream()
        .flatMap(type -> Stream.of(type.getDeclaredMethods()).filter(m -> isDoor(type, m)))
        .count();
  }

  private static boolean isDoor(Class<?> type, Method method) {
    boolean generated = type.isEnum() && method.getName().equals("valueOf");
    return Modifier.isPublic(method.getModifiers())
        && !Modifier.isAbstract(method.getModifiers())
        && !method.isSynthetic()
        && !method.getName().equals("equals")
        && !generated;
  }

  private static List<Class<?>> exported(Class<?> one) throws IOException, URISyntaxException {
    Path place = Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
    if (Files.isDirectory(place)) {
      return exportedFrom(place);
    }
    try (FileSystem jar = FileSystems.newFileSystem(place)) {
      return exportedFrom(jar.getPath("/"));
    }
  }

  private static List<Class<?>> exportedFrom(Path classes) throws IOException {
    List<Class<?>> types = new ArrayList<>();
    try (InputStream in = Files.newInputStream(classes.resolve("module-info.class"))) {
      for (ModuleDescriptor.Exports exports : ModuleDescriptor.read(in).exports()) {
        Path folder = classes.resolve(exports.source().replace('.', '/'));
        try (Stream<Path> files = Files.list(folder)) {
          for (Path file : files.sorted().toList()) {
            String name = file.getFileName().toString();
            if (name.endsWith(".class") && !name.equals("package-info.class")) {
              Class<?> type = load(exports.source() + "." + name.substring(0, name.length() - 6));
              if (isVisible(type)) {
                types.add(type);
              }
            }
          }
        }
      }
    }
    return types;
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, Doors.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  private static boolean isVisible(Class<?> type) {
    Class<?> outer = type;
    while (outer != null) {
      if (!Modifier.isPublic(outer.getModifiers())) {
        return false;
      }
      outer = outer.getDeclaringClass();
    }
    return !type.isAnonymousClass() && !type.isLocalClass();
  }

  /** A constructor, or a method with its object. */
  private interface Call {
    Object with(Object... args) throws ReflectiveOperationException;
  }

  private static void tryEach(Executable door, Call call, List<String> open) {
    Parameter[] parameters = door.getParameters();
    for (int i = 0; i < parameters.length; i++) {
      if (!parameters[i].getType().isPrimitive()) {
        Object[] args = Stream.of(parameters).map(p -> value(p.getType())).toArray();
        args[i] = null;
        answer(call, args, parameters[i]).ifPresent(new Report(door, i, open)::add);
      }
    }
  }

  private record Report(Executable door, int index, List<String> open) {
    void add(String answer) {
      List<String> types = Stream.of(door.getParameterTypes()).map(Class::getSimpleName).toList();
      String name = door instanceof Method method ? "." + method.getName() : "";
      open.add(
          door.getDeclaringClass().getName()
              + name
              + "("
              + String.join(", ", types)
              + ") "
              + index
              + ": "
              + answer);
    }
  }

  /** Empty where it is as promised. */
  private static Optional<String> answer(Call call, Object[] args, Parameter parameter) {
    try {
      Object _ = call.with(args);
      return Optional.of("no exception");
    } catch (InvocationTargetException e) {
      Throwable thrown = e.getCause();
      boolean named =
          thrown instanceof NullPointerException
              && thrown.getMessage() != null
              && (parameter.isNamePresent()
                  ? thrown.getMessage().equals(parameter.getName())
                  : thrown.getMessage().matches("[a-z][A-Za-z0-9]*"));
      return named || thrown instanceof IllegalArgumentException
          ? Optional.empty()
          : Optional.of(thrown.toString());
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  /** By name: tests are compiled as part of a module that does not read jdk.unsupported. */
  private static Object hollow(Class<?> type) throws ReflectiveOperationException {
    Class<?> factory = Class.forName("sun.reflect.ReflectionFactory");
    Object maker = factory.getMethod("getReflectionFactory").invoke(null);
    return ((Constructor<?>)
            factory
                .getMethod("newConstructorForSerialization", Class.class, Constructor.class)
                .invoke(maker, type, Object.class.getDeclaredConstructor()))
        .newInstance();
  }

  private static Object value(Class<?> type) {
    if (VALUES.containsKey(type)) {
      return VALUES.get(type);
    }
    if (type.isArray()) {
      return Array.newInstance(type.getComponentType(), 1);
    }
    if (type.isEnum()) {
      return type.getEnumConstants()[0];
    }
    if (type.isSealed() && Modifier.isAbstract(type.getModifiers())) {
      return value(type.getPermittedSubclasses()[0]);
    }
    if (type.isInterface()) {
      return Proxy.newProxyInstance(
          Doors.class.getClassLoader(),
          new Class<?>[] {type},
          (proxy, method, args) ->
              method.isDefault() ? InvocationHandler.invokeDefault(proxy, method, args) : null);
    }
    try {
      return hollow(type);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("no hollow " + type, e);
    }
  }
}
