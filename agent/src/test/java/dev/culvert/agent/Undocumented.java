// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Finds what others see of a package and nobody explains: public and protected types, methods,
 * constructors and fields without Javadoc. What overrides something has its words, and a record's
 * canonical constructor the record's.
 */
final class Undocumented {
  private Undocumented() {}

  /** The members of the package in a folder of sources, such as {@code Bpf.java: fd}. */
  static List<String> in(Path folder) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<String> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder);
        StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
      List<Path> sources = files.filter(file -> file.toString().endsWith(".java")).toList();
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null, manager, null, null, null, manager.getJavaFileObjectsFromPaths(sources));
      DocTrees docs = DocTrees.instance(task);
      for (CompilationUnitTree unit : task.parse()) {
        new Scanner(docs, found).scan(unit, null);
      }
    }
    return found;
  }

  private static final class Scanner extends TreePathScanner<Void, Void> {
    private final DocTrees docs;
    private final List<String> found;

    Scanner(DocTrees docs, List<String> found) {
      this.docs = docs;
      this.found = found;
    }

    @Override
    public Void visitClass(ClassTree type, Void nothing) {
      if (!isVisible(type.getModifiers())) {
        return null; // Nor is anything in it.
      }
      require(type.getSimpleName().toString());
      return super.visitClass(type, null);
    }

    @Override
    public Void visitMethod(MethodTree method, Void nothing) {
      boolean overrides =
          method.getModifiers().getAnnotations().stream()
              .anyMatch(a -> a.getAnnotationType().toString().equals("Override"));
      boolean ofRecord =
          method.getName().contentEquals("<init>") && parent().getKind() == Tree.Kind.RECORD;
      if (isVisible(method.getModifiers()) && !overrides && !ofRecord) {
        require(method.getName().toString());
      }
      return null;
    }

    @Override
    public Void visitVariable(VariableTree field, Void nothing) {
      boolean component = parent().getKind() == Tree.Kind.RECORD;
      if (isVisible(field.getModifiers()) && !component) {
        require(field.getName().toString());
      }
      return null;
    }

    /** In an interface everything is public, unless it says otherwise. */
    private boolean isVisible(ModifiersTree modifiers) {
      if (modifiers.getFlags().contains(Modifier.PUBLIC)
          || modifiers.getFlags().contains(Modifier.PROTECTED)) {
        return true;
      }
      return parent().getKind() == Tree.Kind.INTERFACE
          && !modifiers.getFlags().contains(Modifier.PRIVATE);
    }

    private Tree parent() {
      TreePath path = getCurrentPath().getParentPath();
      return path.getLeaf();
    }

    private void require(String name) {
      if (docs.getDocComment(getCurrentPath()) == null) {
        Path file = Path.of(getCurrentPath().getCompilationUnit().getSourceFile().getName());
        found.add(file.getFileName() + ": " + name);
      }
    }
  }
}
