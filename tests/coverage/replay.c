/* SPDX-License-Identifier: ISC */
/* replay FILE...: what a fuzzer did with each input that it kept, once more. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 65536 };

int
main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		uint8_t *data = malloc(MOST);
		FILE *file = fopen(argv[i], "r");
		size_t size;

		if (data == NULL || file == NULL)
			return (1);
		size = fread(data, 1, MOST, file);
		(void)fclose(file);
		if ((data = realloc(data, size > 0 ? size : 1)) == NULL)
			return (1);
		(void)LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	return (0);
}
