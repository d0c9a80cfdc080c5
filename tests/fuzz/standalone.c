/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzzer without a fuzzing engine: calls the entry point once with an empty
 * input and once with each file named on the command line, folders walked in
 * name order. It gives compilers without libFuzzer, and the musl build, the
 * corpus as a regression test.
 *
 * It knows nothing of what is fuzzed. Exit code 0 if every input was run, 2
 * if one could not be read; a crash is the fuzz target's own.
 */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs;

static void run_file(const char *path, size_t size)
{
	uint8_t *data;
	FILE *file;

	/* Exactly the size, so that a sanitizer sees a read past the end. */
	data = malloc(size ? size : 1);
	if (!data)
		err(2, "%s", path);
	file = fopen(path, "rbe");
	if (!file || fread(data, 1, size, file) != size)
		err(2, "%s", path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	inputs++;
	free(data);
}

static void run_path(const char *path);

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void run_folder(const char *path)
{
	struct dirent **entries;
	char *child;
	int count;

	count = scandir(path, &entries, is_visible, alphasort);
	if (count < 0)
		err(2, "%s", path);
	for (int i = 0; i < count; i++) {
		if (asprintf(&child, "%s/%s", path, entries[i]->d_name) < 0)
			err(2, "%s", path);
		run_path(child);
		free(child);
		free(entries[i]);
	}
	free(entries);
}

static void run_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		err(2, "%s", path);
	if (S_ISDIR(st.st_mode))
		run_folder(path);
	else
		run_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	static const uint8_t nothing[1];

	LLVMFuzzerTestOneInput(nothing, 0);
	inputs++;
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%lu inputs\n", inputs);
	return 0;
}
