// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Marks a test class or method that needs root and the real kernel. Without root it is skipped and
 * says so on standard error; with {@code -Drequire.all} it fails instead, so that CI cannot pass by
 * running nothing.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(RequiresRootCondition.class)
public @interface RequiresRoot {}
